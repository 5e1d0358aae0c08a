/*
 * The logic of the call list without the page: rows and their changes, tabs, times, limits, and an order that stands
 * still while somebody points at it. A row is a list in the order of FIELDS in rows.py.
 */

import { sinceOf } from "../../ui/base.js";

/** @typedef {any[]} Row */

/** Where the fields stand in a row. */
export const ROW = {
  id: 0, call: 1, state: 2, phase: 3, from: 4, to: 5, direction: 6, via: 7,
  ring: 8, talk: 9, hold: 10, since: 11, marks: 12, calls: 13, started: 14, end: 15,
};

/** The tabs, with the shape and word of their rows. */
export const PHASES = [
  { name: "ringing", shape: "◔", word: "Ringing" },
  { name: "talking", shape: "●", word: "Talking" },
  { name: "held", shape: "❚❚", word: "On hold" },
  { name: "parked", shape: "▣", word: "Parked" },
  { name: "queued", shape: "≡", word: "Queued" },
];

/** @type {Record<string, {shape: string, word: string}>} */
const REST = { menu: { shape: "☰", word: "In a menu" }, ended: { shape: "×", word: "Ended" }, other: { shape: "·", word: "Other" } };

/** Shape and word of a row. @param {Row} row */
export function appearance(row) {
  return PHASES.find((phase) => phase.name === row[ROW.phase]) || REST[row[ROW.phase]] || REST.other;
}

/**
 * Apply a batch to the rows; returns the ids it touched.
 * @param {Map<string, Row>} rows
 * @param {{rows?: Row[], edits?: any[][], gone?: string[]}} part
 */
export function merge(rows, part) {
  /** @type {Set<string>} */
  const touched = new Set();
  for (const row of part.rows || []) {
    rows.set(row[ROW.id], row.slice());
    touched.add(row[ROW.id]);
  }
  for (const [id, ...changes] of part.edits || []) {
    const row = rows.get(id);
    if (!row) continue;
    for (let i = 0; i < changes.length; i += 2) row[changes[i]] = changes[i + 1];
    touched.add(id);
  }
  for (const id of part.gone || []) {
    rows.delete(id);
    touched.add(id);
  }
  return touched;
}

/** Which of the three times is running. @param {Row} row @returns {"ring" | "talk" | "hold" | ""} */
export function running(row) {
  switch (row[ROW.phase]) {
    case "ringing": case "queued": return "ring";
    case "talking": return "talk";
    case "held": case "parked": return "hold";
    default: return "";
  }
}

/** The three times of a row at PBX time `now`, in seconds. @param {Row} row @param {number} now */
export function times(row, now) {
  const all = { ring: row[ROW.ring], talk: row[ROW.talk], hold: row[ROW.hold] };
  const which = running(row);
  if (which) all[which] += Math.max(0, now - sinceOf(row[ROW.since]).since);
  return all;
}

/** Which of the three times is that long at least, because its begin is not known. @param {Row} row */
export function leastOf(row) {
  return sinceOf(row[ROW.since]).least ? running(row) : "";
}

/**
 * What takes too long: "ring", "hold" or "". A wait in a queue is measured like ringing, a parked call like a held one.
 * The present phase counts, not the sum of all holds. 0 switches a limit off.
 * @param {Row} row @param {number} now @param {{ring: number, hold: number}} limits
 */
export function late(row, now, limits) {
  const which = running(row);
  const spent = now - sinceOf(row[ROW.since]).since;
  if (which === "ring" && limits.ring > 0 && spent > limits.ring) return "ring";
  return which === "hold" && limits.hold > 0 && spent > limits.hold ? "hold" : "";
}

/** @type {Record<string, {sign: string, word: string}>} */
export const DIRECTIONS = { in: { sign: "↘", word: "incoming" }, out: { sign: "↗", word: "outgoing" }, internal: { sign: "→", word: "internal" }, unknown: { sign: "→", word: "to" } };

export const HEADS = ["State", "From", "From name", "To", "To name", "Direction", "Via", "Ring s", "Talk s", "Hold s"];

/** What goes to the column "Via": how it ended, its queue or orbit. @param {Row} row */
export function viaOf(row) {
  return [row[ROW.end], row[ROW.via]].filter(Boolean).join(" · ");
}

/** A row as the cells of a table, under `HEADS`. @param {Row} row @param {number} now @returns {(string | number)[]} */
export function cellsOf(row, now) {
  const party = (/** @type {number} */ field) => [...row[field].split("\t"), ""].slice(0, 2), spent = times(row, now);
  const direction = (DIRECTIONS[row[ROW.direction]] || DIRECTIONS.unknown).word;
  return [appearance(row).word, ...party(ROW.from), ...party(ROW.to), direction, viaOf(row), ...[spent.ring, spent.talk, spent.hold].map(Math.round)];
}

/** Counts for the tabs; ended rows are no calls any more. @param {Iterable<Row>} rows @returns {Record<string, number>} */
export function tally(rows) {
  /** @type {Record<string, number>} */
  const counts = { all: 0 };
  for (const { name } of PHASES) counts[name] = 0;
  for (const row of rows) {
    if (row[ROW.phase] === "ended") continue;
    counts.all += 1;
    counts[row[ROW.phase]] = (counts[row[ROW.phase]] || 0) + 1;
  }
  return counts;
}

/**
 * Whether a row belongs in the view: its tab, and every word somewhere in its texts. An ended row lingers in every tab.
 * @param {Row} row @param {string} tab @param {string} filter
 */
export function visible(row, tab, filter) {
  if (tab !== "all" && row[ROW.phase] !== tab && row[ROW.phase] !== "ended") return false;
  const text = `${row[ROW.from]} ${row[ROW.to]} ${row[ROW.via]} ${appearance(row).word}`.toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/**
 * The rows in the order to show: by start, oldest first, so that a new call comes at the end and moves nobody.
 * While `still`, what is shown stays where it is: rows that should go stay (at most `most`), new ones come at the end.
 * @param {string[]} shown ids as they stand now
 * @param {Map<string, Row>} rows
 * @param {(row: Row) => boolean} wanted
 * @param {boolean} still
 * @param {number} [most]
 */
export function arrange(shown, rows, wanted, still, most = 2000) {
  const right = [...rows.values()].filter(wanted).sort((a, b) => a[ROW.started] - b[ROW.started] || (a[ROW.id] < b[ROW.id] ? -1 : 1));
  const ids = right.map((row) => row[ROW.id]);
  if (!still || shown.length > most) return ids;
  const there = new Set(shown);
  return [...shown, ...ids.filter((id) => !there.has(id))];
}

/** The id to focus when the focused row went: the one that took its place. @param {string[]} before @param {string[]} after @param {string} id */
export function neighbour(before, after, id) {
  if (after.includes(id)) return id;
  const rest = new Set(after);
  const at = before.indexOf(id);
  return before.slice(at + 1).find((other) => rest.has(other)) || before.slice(0, Math.max(0, at)).reverse().find((other) => rest.has(other)) || after[0] || "";
}
