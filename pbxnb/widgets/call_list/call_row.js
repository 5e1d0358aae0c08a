/*
 * One row of the call list in the page, with the line of its calls below it. Its cells are made once and changed in place.
 */
import { duration, element, setText, setTime, sinceOf } from "../../ui/base.js";
import { setParty } from "../../ui/party.js";
import { DIRECTIONS, ROW, appearance, late, leastOf, times, viaOf } from "./call_rows.js";

const TIMES = /** @type {const} */ (["ring", "talk", "hold"]);

/** @param {HTMLElement} node @param {number} began @param {number} now */
function legTime(node, began, now) {
  const { since, least } = sinceOf(began);
  setTime(node, duration(now - since, true), least);
}

/** One row in the page: its cells are made once and changed in place. */
export class CallRow {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {any[]} */
    this.row = [];
    this.element = element("div", "pbx-call", "", { role: "row", tabindex: "-1", "aria-selected": "false", "data-conversation": id });
    /** @param {string} name @param {number} column @param {string} [extra] */
    const cell = (name, column, extra = "") => {
      const made = element("span", `pbx-cell pbx-${name} ${extra}`, "", { role: "gridcell", "aria-colindex": String(column) });
      this.element.append(made);
      return made;
    };
    const state = cell("state", 1);
    this.toggle = element("button", "pbx-expand", "▸", { type: "button", tabindex: "-1", "aria-expanded": "false" });
    this.shape = element("span", "pbx-shape", "", { "aria-hidden": "true", title: "Drag it to an extension or an orbit" });
    this.word = element("span", "pbx-word");
    this.tag = element("span", "pbx-mark-tag");
    state.append(this.toggle, this.shape, this.word, this.tag);
    this.from = cell("from", 2);
    this.direction = cell("direction", 3, "pbx-soft");
    this.to = cell("to", 4);
    this.via = cell("via", 5, "pbx-soft");
    const time = (/** @type {string} */ name, /** @type {number} */ column) => cell(name, column, "pbx-num").appendChild(element("span"));
    this.times = { ring: time("ring", 6), talk: time("talk", 7), hold: time("hold", 8) };
    this.via.dir = "auto";
    /** @type {HTMLElement | null} */
    this.legs = null;
    /** @type {[HTMLElement, number][]} */
    this.legTimes = [];
  }

  /** Be the row of another conversation from now on. @param {string} id @returns {this} */
  renew(id) {
    this.id = this.element.dataset.conversation = id;
    this.row = [];
    this.element.tabIndex = -1;
    return this;
  }

  /** @param {any[]} row @param {number} now @param {{ring: number, hold: number}} limits */
  paint(row, now, limits) {
    this.row = row;
    const { shape, word } = appearance(row), marks = row[ROW.marks], ended = row[ROW.state] === "ended";
    const { dataset } = this.element;
    dataset.call = row[ROW.call];
    dataset.state = row[ROW.state];
    dataset.phase = row[ROW.phase];
    this.shape.draggable = !ended;
    this.element.toggleAttribute("data-lit", marks.includes("l"));
    setText(this.shape, shape);
    setText(this.word, word);
    setText(this.tag, [marks.includes("r") && "REC", marks.includes("i") && "≈"].filter(Boolean).join(" "));
    this.tag.title = [marks.includes("r") && "recording", marks.includes("i") && "concluded, not seen"].filter(Boolean).join("; ");
    setParty(this.from, row[ROW.from]);
    setParty(this.to, row[ROW.to]);
    const direction = DIRECTIONS[row[ROW.direction]] || DIRECTIONS.unknown;
    setText(this.direction, direction.sign);
    this.direction.title = direction.word;
    this.direction.setAttribute("aria-label", direction.word);
    const via = viaOf(row);
    setText(this.via, via);
    this.via.title = via;
    const several = row[ROW.calls] > 1;
    this.toggle.setAttribute("aria-label", `${several ? `${row[ROW.calls]} calls` : "The call"} of this conversation`);
    this.toggle.toggleAttribute("data-several", several);
    this.tick(now, limits);
  }

  /** @param {number} now @param {{ring: number, hold: number}} limits */
  tick(now, limits) {
    if (!this.row.length) return;
    for (const [node, began] of this.legTimes) legTime(node, began, now);
    const spent = times(this.row, now), over = late(this.row, now, limits), least = leastOf(this.row);
    for (const name of TIMES) {
      const mark = over === name || (over && name === "ring" && this.row[ROW.phase] === "queued");
      setTime(this.times[name], spent[name] >= 1 || mark ? `${duration(spent[name], true)}${mark ? " ▲" : ""}` : "", least === name);
    }
    if (this.element.dataset.late === over || (!over && !this.element.dataset.late)) return;
    if (over) this.element.dataset.late = over;
    else delete this.element.dataset.late;
    for (const name of TIMES) this.times[name].title = over === name ? `${name === "ring" ? "rings or waits" : "on hold"} longer than ${limits[over]} s` : "";
  }

  /** Take the row off the page. */
  remove() {
    this.element.remove();
    this.legs?.remove();
  }

  /** Show its calls, or with null hide them. @param {any[][] | null} legs @param {number} now */
  expand(legs, now) {
    this.toggle.setAttribute("aria-expanded", String(!!legs));
    this.legTimes = [];
    setText(this.toggle, legs ? "▾" : "▸");
    if (!legs) {
      this.legs?.remove();
      this.legs = null;
      return;
    }
    this.legs = this.legs || element("div", "pbx-legs", "", { role: "row" });
    const cell = element("ul", "pbx-leglist", "", { "aria-label": "Calls of this conversation" });
    for (const [id, state, from, to, began, note] of legs) {
      const line = element("li", "", "", { "data-leg": id, "data-state": state });
      line.append(element("span", "pbx-leg-state", state), " ");
      const [caller, called] = [element("span"), element("span")];
      setParty(caller, from);
      setParty(called, to);
      if (from || to) line.append(caller, " → ", called, " ");
      if (began) {
        const spent = element("span", "pbx-num");
        legTime(spent, began, now);
        this.legTimes.push([spent, began]);
        line.append(element("span", "pbx-soft", "for "), spent, " ");
      }
      line.append(element("span", "pbx-soft", [`id ${id}`, note].filter(Boolean).join(" · "), { dir: "auto" }));
      cell.append(line);
    }
    const holder = element("div", "", "", { role: "gridcell", "aria-colindex": "1", "aria-colspan": "8" });
    holder.append(cell);
    this.legs.replaceChildren(holder);
  }
}
