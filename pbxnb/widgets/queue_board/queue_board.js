/*
 * The queue board: a part per queue with its figures, its agents, and who waits. One grid, one tab stop. Logic in queue_rows.js.
 */
import { definePanel, duration, element, setText, setTime, sinceOf } from "../../ui/base.js";
import { setParty } from "../../ui/party.js";
import { neighbour } from "../call_list/call_rows.js";
import { AGENT, CALLER, linesOf, shapeOf, waitingText } from "./queue_rows.js";

/** @param {any} view */
function createQueueBoard(view) {
  const { model, root, body } = view;
  const told = /** @type {any} */ ({ order: [], queues: {}, window: "", control: false });
  /** @type {Map<string, any>} */
  const parts = new Map(); // by queue, its elements
  /** @type {Map<string, any>} */
  const rows = new Map(); // by key of a line
  /** @type {import("./queue_rows.js").Line[]} */
  let lines = [];
  let current = "";
  root.classList.add("pbx-queue-board");

  const bar = element("div", "pbx-bar pbx-tools"), arm = element("button", "pbx-chip", "", { type: "button" });
  bar.append(arm);
  arm.addEventListener("click", () => put("armed", !model.get("armed")));
  const grid = element("div", "pbx-queues", "", { role: "grid", "aria-label": "Queues", "aria-multiselectable": "true", "aria-colcount": "6" });
  const none = element("p", "pbx-none pbx-soft", "No queues."), foot = element("p", "pbx-queue-window pbx-soft");
  body.append(bar, grid, none, foot);

  /** @param {string} trait @param {any} value */
  function put(trait, value) {
    model.set(trait, value);
    model.save_changes();
  }
  const may = () => told.control && !model.get("wallboard");

  /** @param {string} queue */
  function partOf(queue) {
    let part = parts.get(queue);
    if (!part) {
      const section = element("div", "pbx-queue", "", { role: "none", "data-queue": queue });
      const head = element("div", "pbx-queue-top", "", { role: "rowgroup" }), lists = element("div", "pbx-queue-lists", "", { role: "none" });
      const agents = element("div", "pbx-agents", "", { role: "rowgroup", "aria-label": `Agents of ${queue}` });
      const callers = element("div", "pbx-callers", "", { role: "rowgroup", "aria-label": `Waiting in ${queue}` });
      lists.append(agents, callers);
      section.append(head, lists);
      part = { section, queue: head, agent: agents, caller: callers };
      parts.set(queue, part);
    }
    return part;
  }

  /** @param {HTMLElement} row @param {string} name @param {number} column @param {string} [role] */
  function cell(row, name, column, role = "gridcell") {
    const made = element("span", `pbx-cell ${name}`, "", { role, "aria-colindex": String(column) });
    row.append(made);
    return made;
  }

  /** @param {import("./queue_rows.js").Line} line */
  function makeRow(line) {
    const row = element("div", `pbx-queue-row pbx-${line.kind}-row`, "", { role: "row", tabindex: "-1", "data-line": line.key });
    const part = /** @type {any} */ ({ element: row, shape: element("span", "pbx-shape", "", { "aria-hidden": "true" }), word: element("span", "pbx-word") });
    if (line.kind === "queue") {
      part.name = cell(row, "pbx-queue-name", 1, "rowheader");
      part.waiting = cell(row, "pbx-queue-now", 2);
      part.figures = cell(row, "pbx-queue-figures", 3);
    } else {
      cell(row, "pbx-state", 1).append(part.shape, part.word);
      part.who = cell(row, "pbx-who", 2, "rowheader");
      part.since = cell(row, "pbx-num pbx-since-cell", 3).appendChild(element("span"));
    }
    if (line.kind === "agent") {
      part.calls = cell(row, "pbx-num pbx-soft", 4);
      part.talk = cell(row, "pbx-num pbx-soft", 5);
      part.log = element("button", "pbx-button pbx-log pbx-tools", "", { type: "button", tabindex: "-1" });
      cell(row, "pbx-log-cell", 6).append(part.log);
      part.log.addEventListener("click", (/** @type {Event} */ event) => {
        event.stopPropagation();
        log(rows.get(line.key).line);
      });
    }
    return part;
  }

  /** @param {any} part @param {import("./queue_rows.js").Line} line */
  function paint(part, line) {
    part.line = line;
    const { row } = line;
    if (line.kind === "queue") {
      setText(part.name, row.name ? `${line.number} ${row.name}` : line.number);
      setText(part.waiting, waitingText(row));
      part.element.dataset.waits = row.callers.length ? "some" : "none";
      const text = JSON.stringify([row.figures, row.why]);
      if (part.text !== text) {
        part.text = text;
        part.figures.replaceChildren();
        for (const [word, value] of row.figures) {
          const one = element("span", "pbx-figure");
          one.append(element("small", "pbx-soft", word), " ", element("b", "pbx-num", value));
          part.figures.append(one);
        }
        if (row.why) part.figures.append(element("bdi", "pbx-queue-why", row.why));
      }
    } else if (line.kind === "agent") {
      part.element.dataset.state = row[AGENT.state];
      setText(part.shape, shapeOf(row[AGENT.state]));
      setText(part.word, row[AGENT.word]);
      setParty(part.who, `${row[AGENT.number]}\t${row[AGENT.name]}`);
      setText(part.calls, `${row[AGENT.calls]} ${row[AGENT.calls] === 1 ? "call" : "calls"}`);
      setText(part.talk, `talk ${duration(row[AGENT.talk], true)}`);
      const out = row[AGENT.loggedIn] !== false;
      part.log.hidden = !may();
      setText(part.log, out ? "Log out" : "Log in");
      part.log.setAttribute("aria-label", `${out ? "Log out" : "Log in"} ${row[AGENT.number]} ${out ? "of" : "to"} queue ${line.queue}`);
      part.log.setAttribute("aria-disabled", String(!model.get("armed")));
    } else {
      part.element.dataset.state = "ringing";
      setText(part.shape, String(line.position));
      setText(part.word, line.position === 1 ? "Next" : "Waiting");
      setParty(part.who, row[CALLER.who]);
    }
    tickRow(part, view.now());
  }

  /** @param {any} part @param {number} now */
  function tickRow(part, now) {
    if (!part.since) return;
    const began = part.line.row[part.line.kind === "agent" ? AGENT.since : CALLER.since];
    const { since, least } = sinceOf(began);
    setTime(part.since, began ? duration(now - since, true) : "", least);
  }

  function place() {
    const before = lines.map((line) => line.key), focused = grid.contains(document.activeElement) && document.activeElement !== grid;
    lines = linesOf(told.order, told.queues);
    const keep = new Set(lines.map((line) => line.key));
    for (const [key, part] of rows) {
      if (keep.has(key)) continue;
      part.element.remove();
      rows.delete(key);
    }
    for (const [queue, part] of parts) {
      if (told.order.includes(queue)) continue;
      part.section.remove();
      parts.delete(queue);
    }
    told.order.forEach((/** @type {string} */ queue, /** @type {number} */ at) => settle(grid, partOf(queue).section, at));
    /** @type {Map<Node, number>} */
    const counts = new Map();
    lines.forEach((line, at) => {
      let part = rows.get(line.key);
      if (!part) rows.set(line.key, (part = makeRow(line)));
      const list = partOf(line.queue)[line.kind], index = counts.get(list) || 0;
      settle(list, part.element, index);
      counts.set(list, index + 1);
      part.element.setAttribute("aria-rowindex", String(at + 1));
      paint(part, line);
    });
    grid.setAttribute("aria-rowcount", String(lines.length));
    for (const [queue, part] of parts) part.section.dataset.callers = told.queues[queue].callers.length ? "some" : "none";
    none.hidden = lines.length > 0;
    grid.hidden = !lines.length;
    const next = neighbour(before, lines.map((line) => line.key), current);
    if (next !== current) setStop(next, focused && !grid.contains(document.activeElement));
    showSelected();
  }

  /** Put a child at its place, touching nothing that stands right. @param {Node} parent @param {HTMLElement} child @param {number} at */
  function settle(parent, child, at) {
    const there = parent.childNodes[at] || null;
    if (there !== child) parent.insertBefore(child, there);
  }

  /** @param {string} key @param {boolean} [focus] */
  function setStop(key, focus = false) {
    rows.get(current)?.element.setAttribute("tabindex", "-1");
    current = key;
    rows.get(key)?.element.setAttribute("tabindex", "0");
    if (focus) rows.get(key)?.element.focus();
  }

  function showSelected() {
    const selected = new Set(model.get("selected"));
    for (const part of rows.values()) part.element.setAttribute("aria-selected", String(!!part.line.number && selected.has(part.line.number)));
  }

  function showArm() {
    bar.hidden = !told.control;
    setText(arm, model.get("armed") ? "Armed" : "Not armed");
    arm.setAttribute("aria-pressed", String(model.get("armed")));
    arm.title = "Whether the buttons log agents in and out";
    for (const part of rows.values()) if (part.log) paint(part, part.line);
  }

  /** @param {import("./queue_rows.js").Line} line */
  function log(line) {
    if (line.kind === "agent" && may()) view.send({ login: line.row[AGENT.loggedIn] === false, queue: line.queue, agent: line.number });
  }

  /** @param {string} number @param {boolean} more */
  function select(number, more) {
    if (!number) return;
    const now = model.get("selected"), without = now.filter((/** @type {string} */ other) => other !== number);
    put("selected", more ? (without.length < now.length ? without : [...now, number]) : now.length === 1 && !without.length ? [] : [number]);
  }

  const rowAt = (/** @type {EventTarget | null} */ target) => rows.get(/** @type {any} */ (target)?.closest?.("[data-line]")?.dataset.line);
  grid.addEventListener("click", (event) => {
    const part = rowAt(event.target);
    if (!part) return;
    setStop(part.line.key, true);
    select(part.line.number, event.ctrlKey || event.metaKey);
  });
  grid.addEventListener("focusin", (event) => {
    const part = rowAt(event.target);
    if (part && part.line.key !== current) setStop(part.line.key);
    part?.element.scrollIntoView({ block: "nearest" });
  });
  grid.addEventListener("keydown", (event) => {
    const part = rowAt(event.target);
    if (!part || event.altKey || event.target !== part.element) return;
    event.stopPropagation(); // the notebook has keys of its own
    const at = lines.indexOf(part.line), last = lines.length - 1;
    const moves = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + 10, PageUp: at - 10 });
    const more = event.ctrlKey || event.metaKey;
    if (event.key in moves) setStop(lines[Math.min(last, Math.max(0, moves[event.key]))].key, true);
    else if (event.key === " " || event.key === "Enter") select(part.line.number, more);
    else if (event.key === "Escape") put("selected", []);
    else if (event.key === "l" && !more) log(part.line);
    else return;
    event.preventDefault();
  });

  const onWish = () => {
    grid.style.maxBlockSize = model.get("height");
    showArm();
  };
  const wishes = ["height", "armed", "wallboard"];
  for (const trait of wishes) model.on(`change:${trait}`, onWish);
  model.on("change:selected", showSelected);

  function waits() {
    const waiting = told.order.reduce((/** @type {number} */ sum, /** @type {string} */ queue) => sum + told.queues[queue].callers.length, 0);
    view.announce(`${waiting} waiting in ${told.order.length} queues.`);
  }

  return {
    /** @param {any} data */
    full(data) {
      Object.assign(told, data);
    },
    /** @param {any} data */
    part(data) {
      for (const [queue, edit] of Object.entries(data.queues || {})) Object.assign((told.queues[queue] ??= {}), edit);
      if (data.window !== undefined) told.window = data.window;
    },
    draw() {
      place();
      onWish();
      setText(foot, told.window);
      waits();
    },
    /** @param {number} now */
    tick(now) {
      for (const part of rows.values()) tickRow(part, now);
    },
    destroy() {
      for (const trait of wishes) model.off(`change:${trait}`, onWish);
      model.off("change:selected", showSelected);
    },
  };
}

export default definePanel(createQueueBoard);
