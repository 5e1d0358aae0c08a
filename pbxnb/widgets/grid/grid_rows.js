/*
 * The grid's data in the page: columns from the wire into rows, and which rows are shown in which order. No DOM.
 */
import { STATES } from "../../ui/base.js";

/** @typedef {{index: number, number: string, name: string, type: string, department: string, group: string, text: string,
 *   state: string, reachable: number, dnd: boolean, recording: boolean, inferred: boolean, out: boolean, since: number, least: boolean,
 *   other: string, wish: string, lines: [string, string, number][], tile?: any}} Row */
/** @typedef {{filter: string, states: string[], sort: string, groupBy: string}} Wish */

const NAME_OF = Object.fromEntries(STATES.map((state) => [state.code, state.name]));
const ORDER_OF = Object.fromEntries(STATES.map((state, place) => [state.name, place]));
/** Sparse columns: letter on the wire -> field of the row. */
const SPARSE = { o: "other", w: "wish", l: "lines", m: "name", g: "group", d: "department", k: "type", u: "text" };
/** What a row is until told otherwise. */
const UNTOLD = { other: "", wish: "", lines: [], name: "", group: "", department: "", type: "extensions", text: "" };
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** @param {string} number @param {number} index @returns {Row} */
function blankRow(number, index) {
  return { index, number, state: "idle", reachable: 0, dnd: false, recording: false, inferred: false, out: false, since: 0, least: false, ...UNTOLD };
}

/** How far a changed row is from the one before it; see `_step` in tiles.py. @param {string} step */
function distance(step) {
  const code = /** @type {number} */ (step.codePointAt(0));
  return code - 35 - (code > 0xdfff ? 0x800 : 0);
}

/** All rows, and how many are in each state. */
export class Rows {
  constructor() {
    /** @type {Row[]} */
    this.all = [];
    /** @type {Map<string, Row>} */
    this.byNumber = new Map();
    /** How many are shown by default: all, by state, and on do not disturb. @type {Record<string, number>} */
    this.counts = {};
  }

  /**
   * Everything anew; a row that stays keeps its object.
   * @param {any} data
   * @returns {Row[]} rows that are gone
   */
  full(data) {
    const before = this.byNumber;
    this.byNumber = new Map();
    this.all = data.numbers.map((/** @type {string} */ number, /** @type {number} */ index) => {
      const row = Object.assign(before.get(number) || blankRow(number, index), { index });
      before.delete(number);
      this.byNumber.set(number, row);
      return row;
    });
    for (const row of this.all) Object.assign(row, UNTOLD);
    this.write(data, this.all);
    this.count();
    return [...before.values()];
  }

  /** @param {any} data @returns {Row[]} rows that changed */
  part(data) {
    let index = 0;
    const rows = [...data.i].map((step) => this.all[(index += distance(step))]);
    this.write(data, rows);
    return rows;
  }

  /** @param {any} data @param {Row[]} rows */
  write(data, rows) {
    rows.forEach((row, at) => {
      this.tally(row, -1);
      row.state = NAME_OF[data.s[at]] || "idle";
      if (data.f) {
        const flags = data.f.charCodeAt(at) - 48;
        row.reachable = flags & 3;
        row.dnd = !!(flags & 4);
        row.recording = !!(flags & 8);
        row.inferred = !!(flags & 16);
        row.out = !!(flags & 32);
      }
      if (data.t !== undefined) {
        const age = data.t[at] ?? data.t; // one number where all are the same
        row.least = age < 0; // -1 is "at least 0 s"
        row.since = data.b - (row.least ? ~age : age);
      }
      this.tally(row, 1);
    });
    for (const [letter, field] of Object.entries(SPARSE)) {
      const column = data[letter];
      if (column) for (let k = 0; k < column.length; k += 2) /** @type {any} */ (rows[column[k]])[field] = column[k + 1];
    }
  }

  count() {
    this.counts = { all: 0, dnd: 0 };
    for (const state of STATES) this.counts[state.name] = 0;
    for (const row of this.all) this.tally(row, 1);
  }

  /** Count a row in or out, if the predicate of Python lets it be shown. @param {Row} row @param {number} step */
  tally(row, step) {
    if (row.out) return;
    this.counts.all += step;
    this.counts[row.state] += step;
    if (row.dnd) this.counts.dnd += step;
  }
}

export const HEADS = ["Number", "Name", "State", "Do not disturb", "With", "Department", "Since s"];

/** A row as the cells of a table, under `HEADS`. @param {Row} row @param {number} now @returns {(string | number)[]} */
export function cellsOf(row, now) {
  const dnd = row.dnd ? "yes" : "", spent = row.since ? Math.round(now - row.since) : "";
  return [row.number, row.name, STATES[ORDER_OF[row.state]].word, dnd, row.other.slice(2), row.department, spent];
}

/** Whether the order or the choice of rows follows their changes. @param {Wish} wish */
export function follows(wish) {
  return !!(wish.states.length || wish.filter || wish.sort === "state" || wish.sort === "since" || wish.groupBy === "state");
}

/** @param {Row} row @param {string[]} words @param {string[]} states */
function wanted(row, words, states) {
  if (row.out) return false;
  if (states.length && !states.includes(row.state) && !(row.dnd && states.includes("dnd"))) return false;
  if (!words.length) return true;
  const text = `${row.number} ${row.name} ${row.department} ${row.group} ${row.type} ${row.text} ${row.other.slice(2)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** @type {Record<string, (a: Row, b: Row) => number>} */
const SORTS = {
  number: (a, b) => a.index - b.index,
  name: (a, b) => collator.compare(a.name, b.name) || a.index - b.index,
  state: (a, b) => ORDER[a.state] - ORDER[b.state] || a.index - b.index,
  since: (a, b) => a.since - b.since || a.index - b.index,
};
/** By state: what wants attention first. @type {Record<string, number>} */
const ORDER = { ringing: 0, dialling: 1, held: 2, parked: 3, busy: 4, idle: 5, offline: 6 };

/**
 * The rows to show, in groups, in order.
 * @param {Row[]} rows
 * @param {Wish} wish
 * @returns {{label: string, rows: Row[]}[]}
 */
export function arrange(rows, wish) {
  const words = wish.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = rows.filter((row) => wanted(row, words, wish.states));
  if (wish.sort !== "number") shown.sort(SORTS[wish.sort] || SORTS.number);
  if (!wish.groupBy) return shown.length ? [{ label: "", rows: shown }] : [];
  /** @type {Map<string, Row[]>} */
  const groups = new Map();
  for (const row of shown) {
    const label = groupOf(row, wish.groupBy);
    const members = groups.get(label);
    if (members) members.push(row);
    else groups.set(label, [row]);
  }
  const made = [...groups].map(([label, members]) => ({ label, rows: members }));
  const byState = wish.groupBy === "state";
  return made.sort((a, b) => (byState ? ORDER[a.rows[0].state] - ORDER[b.rows[0].state] : Number(!a.label) - Number(!b.label) || collator.compare(a.label, b.label)));
}

/** @param {Row} row @param {string} groupBy */
function groupOf(row, groupBy) {
  if (groupBy === "state") return STATES[ORDER_OF[row.state]].word;
  if (groupBy === "type") return row.type;
  return groupBy === "department" ? row.department : row.group;
}

/**
 * Cut groups into lines of `columns` and blocks of lines; a block belongs to one group.
 * @param {{label: string, rows: Row[]}[]} groups
 * @param {number} columns
 * @param {number} size about how many tiles a block holds
 * @returns {{label: string, lines: Row[][], count: number}[]} label only on a group's first block
 */
export function cut(groups, columns, size = 60) {
  const perBlock = Math.max(1, Math.round(size / columns));
  const blocks = [];
  for (const group of groups) {
    for (let start = 0; start < group.rows.length; start += perBlock * columns) {
      const rows = group.rows.slice(start, start + perBlock * columns), lines = [];
      for (let at = 0; at < rows.length; at += columns) lines.push(rows.slice(at, at + columns));
      blocks.push({ label: start === 0 ? group.label : "", lines, count: group.rows.length });
    }
  }
  return blocks;
}
