/*
 * One tile: an element for the life of its account, its inside made when it first comes near the view.
 */
import { STATES, duration, element, setText, setTime, sinceOf } from "../../ui/base.js";
import { setAttribute } from "./grid_layout.js";

const APPEARANCE = Object.fromEntries(STATES.map((state) => [state.name, state]));
const APPEARANCE_OF_CODE = Object.fromEntries(STATES.map((state) => [state.code, state]));
const KINDS = /** @type {Record<string, [string, string]>} */ ({ i: ["", ""], x: ["ext", "external call"], q: ["queue", "queue call"] });
/** What an account is when it is no extension: every account has a tile, and says so. @type {Record<string, string>} */
const TYPES = { acds: "queue", hunts: "hunt group", orbits: "orbit", attendants: "attendant", conferences: "conference", hoots: "paging", ivrnodes: "IVR", callingcards: "calling card", srvflags: "service flag" };

/** "→ +1 555 0100" of ">x+1 555 0100". @param {string} other */
export function otherText(other) {
  return other ? `${other[0] === ">" ? "→" : "←"} ${other.slice(2)}` : "";
}

/** What a tile says it is doing. @param {any} row */
export function doing(row) {
  const word = APPEARANCE[row.state].word + (row.inferred ? " ?" : "");
  if (row.other) return `${word} ${otherText(row.other)}`;
  return row.wish && (row.state === "idle" || row.state === "offline") ? `${word} · ${row.wish}` : word;
}

/**
 * The time in a state as a tile shows it: of calls to the second, of the rest no finer than minutes, so that most tiles stand still.
 * @param {string} state @param {number} seconds @param {boolean} [least] it may be longer
 */
export function spell(state, seconds, least = false) {
  const exact = state !== "idle" && state !== "offline";
  return exact || seconds >= 60 ? duration(seconds, exact) : least ? "" : "< 1 m";
}

export class Tile {
  /** @param {any} row */
  constructor(row) {
    this.row = row;
    this.near = false;
    this.expanded = false;
    this.painted = "";
    this.element = element("div", "pbx-tile", "", { role: "gridcell", tabindex: "-1", "data-number": row.number, "data-state": row.state });
    this.element.toggleAttribute("data-dnd", row.dnd);
    /** @type {any} */
    this.parts = null;
  }

  build() {
    const shape = element("span", "pbx-shape", "", { "aria-hidden": "true" }), head = element("span", "pbx-head"), sub = element("span", "pbx-sub");
    const name = element("bdi", "pbx-name"), tags = element("span", "pbx-tags"), what = element("bdi", "pbx-what");
    const kind = element("span", "pbx-tag"), time = element("span", "pbx-time pbx-num");
    head.append(element("b", "pbx-num", this.row.number), name, tags);
    sub.append(what, kind, time);
    this.element.append(shape, head, sub);
    this.parts = { shape, name, tags, what, kind, time, text: null, lines: null };
  }

  /** Write the row to the page. @param {number} now */
  paint(now) {
    const row = this.row, node = this.element;
    setAttribute(node, "data-state", row.state);
    node.toggleAttribute("data-dnd", row.dnd);
    if (!this.near && !this.parts) return;
    if (!this.parts) this.build();
    const parts = this.parts, appearance = APPEARANCE[row.state];
    setText(parts.shape, appearance.shape);
    setText(parts.name, row.name);
    const said = doing(row);
    setText(parts.what, said);
    const kind = KINDS[row.other[1]] || KINDS.i;
    setText(parts.kind, kind[0]);
    parts.kind.title = kind[1];
    parts.kind.hidden = !kind[0];
    const tags = this.tags();
    const key = tags.join("|") + this.expanded;
    if (key !== this.painted) {
      this.painted = key;
      parts.tags.replaceChildren(...tags.map(([kind, text, title]) => makeTag(kind, text, title, this.expanded)));
    }
    if (row.text || parts.text) {
      parts.text = parts.text || node.appendChild(element("bdi", "pbx-text"));
      setText(parts.text, row.text);
    }
    this.paintLines(now);
    setAttribute(node, "title", `${row.number} ${row.name}\n${said}${row.wish ? `\n${row.wish}` : ""}`);
    this.tick(now);
  }

  /** @returns {[string, string, string][]} kind, text, title */
  tags() {
    const row = this.row;
    /** @type {[string, string, string][]} */
    const made = [];
    if (row.type !== "extensions" && row.type) made.push(["type", TYPES[row.type] || row.type, `account type: ${row.type}`]);
    if (row.recording) made.push(["rec", "◉ rec", "recording"]);
    if (row.lines.length > 1) made.push(["calls", `${row.lines.length}×`, "several calls: show them (e)"]);
    if (row.reachable === 2 && row.state !== "offline") made.push(["away", "no phone", "no phone is registered"]);
    if (row.dnd) made.push(["dnd", "⊘ dnd", row.wish ? `do not disturb: ${row.wish}` : "do not disturb"]);
    return made;
  }

  /** @param {number} now */
  paintLines(now) {
    const { row, parts } = this, open = this.expanded && row.lines.length > 1;
    if (!open) {
      parts.lines?.remove();
      parts.lines = null;
      return;
    }
    parts.lines = parts.lines || this.element.appendChild(element("ul", "pbx-lines"));
    parts.lines.replaceChildren(
      ...row.lines.map((/** @type {[string, string, number]} */ [code, other, began]) => {
        const appearance = APPEARANCE_OF_CODE[code] || APPEARANCE.idle, line = element("li"), time = element("span", "pbx-num"), { since, least } = sinceOf(began);
        setTime(time, duration(now - since, true), least);
        line.append(element("bdi", "", `${appearance.shape} ${appearance.word} ${otherText(other)}`), time);
        return line;
      }),
    );
  }

  /** @param {number} now */
  tick(now) {
    if (!this.parts) return;
    const { since, state, least } = this.row;
    setTime(this.parts.time, since ? spell(state, now - since, least) : "", least);
    if (this.parts.lines) this.paintLines(now);
  }
}

/** @param {string} kind @param {string} text @param {string} title @param {boolean} expanded */
function makeTag(kind, text, title, expanded) {
  const made = element(kind === "calls" ? "button" : "span", `pbx-tag pbx-tag-${kind}`, text, { title });
  if (kind === "calls") {
    made.tabIndex = -1; // one tab stop for the grid; the key is "e"
    made.setAttribute("aria-expanded", String(expanded));
  }
  return made;
}
