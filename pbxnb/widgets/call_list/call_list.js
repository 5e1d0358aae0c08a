/*
 * The call list: tabs, one row a conversation, its calls on expansion, orbits as places to drop on. Logic in call_rows.js.
 */
import { CALL_TYPE, PARTIES_TYPE, commandFor, definePanel, element, setText } from "../../ui/base.js";
import { traitSections } from "../../ui/menu.js";
import { setParty } from "../../ui/party.js";
import { copyMenu, copyRows } from "../../ui/table_copy.js";
import { CallRow } from "./call_row.js";
import { HEADS, PHASES, ROW, arrange, cellsOf, merge, neighbour, tally, visible } from "./call_rows.js";

/** Phases whose colour has the name of a state. @type {Record<string, string>} */
const TONES = { talking: "busy", queued: "ringing" };
/** From when a row is marked. @type {import("../../ui/menu.js").Choice[]} */
const LIMITS = [
  ["ring_limit", "▲ ringing over", [[0, "never"], [15, "15 s"], [30, "30 s"], [60, "1 min"], [180, "3 min"]]],
  ["hold_limit", "▲ on hold over", [[0, "never"], [30, "30 s"], [60, "1 min"], [120, "2 min"], [300, "5 min"]]],
];
const COLUMNS = ["State", "From", "", "To", "Via", "Ring", "Talk", "Hold"];

/** @param {any} view */
function createCallList(view) {
  const { model, root, body } = view;
  /** @type {Map<string, any[]>} */
  let rows = new Map();
  /** @type {[string, string, string[]][]} */
  let keys = [];
  /** @type {Map<string, CallRow>} */
  const parts = new Map();
  /** @type {Set<string>} */
  const dirty = new Set();
  /** @type {Record<string, any[][]>} */
  let legs = {};
  /** @type {string[]} */
  let shown = [];
  let current = "", pointed = false, dragged = "";
  root.classList.add("pbx-call-list");

  const tabs = element("div", "pbx-bar", "", { role: "toolbar", "aria-label": "Phases" });
  /** @type {Map<string, {chip: HTMLElement, count: HTMLElement}>} */
  const chips = new Map();
  for (const { name, shape, word } of [{ name: "all", shape: "", word: "Calls" }, ...PHASES]) {
    const chip = element("button", "pbx-chip", "", { type: "button", "data-phase": name }), count = element("b", "", "0");
    if (shape) chip.append(element("span", "pbx-mark", shape, { "aria-hidden": "true", "data-tone": TONES[name] || name }));
    chip.append(element("span", shape ? "pbx-chip-word" : "", word), count);
    chip.title = word;
    chip.addEventListener("click", () => put("phase", name));
    chips.set(name, { chip, count });
    tabs.append(chip);
  }
  const search = /** @type {HTMLInputElement} */ (element("input", "pbx-search pbx-tools", "", { type: "search", placeholder: "Find party, queue", "aria-label": "Find calls", maxlength: "200" }));
  const grid = element("div", "pbx-calls", "", { role: "grid", "aria-label": "Calls", "aria-colcount": "8", "aria-multiselectable": "true" });
  const head = element("div", "pbx-call pbx-call-head", "", { role: "row", "aria-rowindex": "1" });
  COLUMNS.forEach((name, i) => head.append(element("span", `pbx-cell pbx-${(name || "direction").toLowerCase()}${i > 4 ? " pbx-num" : ""}`, name, { role: "columnheader", "aria-colindex": String(i + 1), ...(name ? {} : { "aria-label": "Direction" }) })));
  const list = element("div", "pbx-call-rows", "", { role: "rowgroup" }), top = element("div", "", "", { role: "rowgroup" });
  top.append(head);
  grid.append(top, list);
  const none = element("p", "pbx-none pbx-soft");
  const orbits = element("div", "pbx-bar pbx-orbits", "", { role: "group", "aria-label": "Park orbits" });
  const given = Object.fromEntries(LIMITS.map(([trait]) => [trait, /** @type {[any, string]} */ ([model.get(trait), `${model.get(trait)} s`])]));
  tabs.append(search, copyMenu(view, "calls", grid, () => [HEADS, ...table(chosen())], () => traitSections(model, LIMITS, given)));
  body.append(tabs, grid, none, orbits);

  /** @param {string} trait @param {any} value */
  function put(trait, value) {
    model.set(trait, value);
    model.save_changes();
  }
  const table = (/** @type {string[]} */ ids) => ids.flatMap((id) => (rows.has(id) ? [cellsOf(/** @type {any[]} */ (rows.get(id)), view.now())] : []));
  const limits = () => ({ ring: model.get("ring_limit"), hold: model.get("hold_limit") });
  const wanted = (/** @type {any[]} */ row) => visible(row, model.get("phase"), model.get("filter").trim());
  const still = () => pointed || !!dragged || list.contains(document.activeElement);
  const rowAt = (/** @type {EventTarget | null} */ target) => parts.get(/** @type {any} */ (target)?.closest?.("[data-conversation]")?.dataset.conversation);

  /** @param {string} id */
  function drop(id) {
    parts.get(id)?.remove();
    parts.delete(id);
  }

  function place() {
    const before = shown, focused = list.contains(document.activeElement);
    shown = arrange(before, rows, wanted, still());
    const keep = new Set(shown);
    /** Rows whose call has gone: a new call takes over the one in its place, after a jump in time far less work than new rows. @type {Map<Node | null, CallRow>} */
    const free = new Map();
    for (const id of before) {
      const part = keep.has(id) ? null : parts.get(id);
      if (part && !part.legs) free.set(part.element, part);
      if (part?.legs) part.remove();
      if (part) parts.delete(id);
    }
    let at = list.firstChild, index = 2;
    for (const id of shown) {
      let part = parts.get(id);
      if (part) {
        while (free.has(at)) {
          const old = free.get(at);
          free.delete(at);
          at = old?.element.nextSibling || null;
          old?.remove();
        }
      } else {
        part = free.get(at)?.renew(id) || new CallRow(id);
        free.delete(part.element);
        parts.set(id, part);
      }
      const row = rows.get(id);
      if (row && part.row !== row) part.paint(row, view.now(), limits());
      for (const node of [part.element, part.legs]) {
        if (!node) continue;
        if (node === at) at = at.nextSibling;
        else list.insertBefore(node, at);
        if (node.ariaRowIndex !== String(index)) node.setAttribute("aria-rowindex", String(index));
        index += 1;
      }
    }
    for (const part of free.values()) part.remove();
    grid.setAttribute("aria-rowcount", String(index - 1));
    const next = neighbour(before, shown, current);
    if (next !== current) setStop(next, focused);
    none.hidden = shown.length > 0;
    if (!shown.length) setText(none, rows.size ? "No call matches the tab and the words." : "No calls.");
  }

  /** One tab stop: the current row. @param {string} id @param {boolean} [focus] */
  function setStop(id, focus = false) {
    parts.get(current)?.element.setAttribute("tabindex", "-1");
    current = id;
    const part = parts.get(id);
    part?.element.setAttribute("tabindex", "0");
    if (focus) part?.element.focus();
  }

  function showCounts() {
    const counts = tally(rows.values()), tab = model.get("phase");
    for (const [name, { chip, count }] of chips) {
      setText(count, String(counts[name] || 0));
      chip.toggleAttribute("data-none", !counts[name]);
      chip.setAttribute("aria-pressed", String(name === tab));
    }
    view.announce(`${counts.ringing} ringing, ${counts.talking} talking, ${counts.held} on hold, ${counts.parked} parked, ${counts.queued} queued.`);
  }

  function showSelected() {
    const selected = new Set(model.get("selected"));
    for (const [id, part] of parts) part.element.setAttribute("aria-selected", String(selected.has(id)));
  }

  /** @param {any[][]} all number, name, text of what is parked there or "" */
  function showOrbits(all) {
    orbits.hidden = !all.length;
    orbits.replaceChildren(element("span", "pbx-soft", "Orbits"));
    for (const [number, name, parked] of all) {
      const chip = element("button", "pbx-chip pbx-orbit", "", { type: "button", "data-orbit": number, "data-state": parked ? "parked" : "idle" });
      chip.append(element("span", "pbx-mark", parked ? "▣" : "○", { "aria-hidden": "true" }), element("bdi", "", name || number), " ");
      const inside = element("b");
      if (parked) setParty(inside, parked);
      else inside.textContent = "free";
      chip.append(inside);
      chip.title = parked ? `Retrieve what is parked in ${number}` : `Park the selected call in ${number}`;
      chip.addEventListener("click", () => ask(parked ? "retrieve" : "park", current, number));
      orbits.append(chip);
    }
  }

  /** Ask Python for a command; the command bar decides. @param {string} name @param {string} id @param {string} [to] */
  function ask(name, id, to = "") {
    if (model.get("wallboard")) return;
    const [chosen] = model.get("selected");
    const row = rows.get(to ? chosen || id : id);
    view.send({ act: name, call: row?.[ROW.call] || "", to });
  }

  /** @param {string} id @param {boolean} more */
  function select(id, more) {
    const now = model.get("selected"), without = now.filter((/** @type {string} */ other) => other !== id);
    put("selected", more ? (without.length < now.length ? without : [...now, id]) : now.length === 1 && !without.length ? [] : [id]);
  }

  list.addEventListener("click", (event) => {
    const part = rowAt(event.target);
    if (!part || !getSelection()?.isCollapsed) return; // somebody marks a text
    setStop(part.id, true);
    if (/** @type {Element} */ (event.target).closest(".pbx-expand")) view.send({ expand: part.id, on: !part.legs });
    else select(part.id, event.ctrlKey || event.metaKey);
  });
  list.addEventListener("focusin", (event) => {
    const part = rowAt(event.target);
    if (part && part.id !== current) setStop(part.id);
    part?.element.scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("focusout", () => view.ask());
  grid.addEventListener("pointerenter", () => (pointed = true));
  grid.addEventListener("pointerleave", () => {
    pointed = false;
    view.ask();
  });

  list.addEventListener("keydown", (event) => {
    const part = rowAt(event.target);
    if (!part || event.altKey) return;
    event.stopPropagation(); // the notebook has keys of its own
    const at = shown.indexOf(part.id), last = shown.length - 1, rtl = getComputedStyle(grid).direction === "rtl";
    const page = Math.max(1, Math.floor(list.clientHeight / (part.element.offsetHeight || 30)));
    const moves = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + page, PageUp: at - page });
    const opens = rtl ? "ArrowLeft" : "ArrowRight", closes = rtl ? "ArrowRight" : "ArrowLeft";
    const command = event.ctrlKey || event.metaKey ? "" : commandFor(keys, event.key, part.row[ROW.state]);
    if (event.key in moves) setStop(shown[Math.min(last, Math.max(0, moves[event.key]))], true);
    else if (event.key === opens || event.key === closes) view.send({ expand: part.id, on: event.key === opens });
    else if (event.key === " " || event.key === "Enter") select(part.id, event.ctrlKey || event.metaKey);
    else if (event.key === "Escape") put("selected", []);
    else if (event.key === "/") search.focus();
    else if (command) {
      put("selected", [part.id]);
      ask(command, part.id);
    } else return;
    event.preventDefault();
  });

  search.addEventListener("input", () => put("filter", search.value));
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") put("filter", "");
    if (event.key === "ArrowDown" && shown[0]) {
      event.preventDefault();
      setStop(shown[0], true);
    }
  });

  /** @returns {string[]} the rows that are selected, or all that are shown */
  function chosen() {
    const selected = new Set(model.get("selected")), some = shown.filter((id) => selected.has(id));
    return some.length ? some : shown;
  }
  const stopCopies = copyRows(list, () => table(model.get("selected").includes(current) ? chosen() : [current]));

  // Dragging a call by its shape: tiles and orbits take it. Its parties travel along: a grid in the page lights the tiles that are none.
  list.addEventListener("dragstart", (event) => {
    const part = rowAt(event.target), id = part?.row[ROW.call];
    if (event.target !== part?.shape) return; // a marked text is dragged as such
    if (!id || !event.dataTransfer || model.get("wallboard")) return event.preventDefault();
    event.dataTransfer.setDragImage(part.element, 0, 0);
    event.dataTransfer.setData(CALL_TYPE, id);
    event.dataTransfer.setData(PARTIES_TYPE, JSON.stringify([ROW.from, ROW.to].map((field) => part?.row[field].split("\t")[0])));
    event.dataTransfer.effectAllowed = "all";
    dragged = id;
    root.toggleAttribute("data-dragging", true);
  });
  list.addEventListener("dragend", () => {
    dragged = "";
    root.removeAttribute("data-dragging");
    view.ask();
  });
  const orbitAt = (/** @type {DragEvent} */ event) => (event.dataTransfer?.types.includes(CALL_TYPE) ? /** @type {any} */ (event.target).closest?.(".pbx-orbit") : null);
  orbits.addEventListener("dragover", (event) => {
    for (const old of orbits.querySelectorAll("[data-over]")) old.removeAttribute("data-over");
    const orbit = orbitAt(event);
    if (!orbit || orbit.dataset.state === "parked") return;
    orbit.toggleAttribute("data-over", true);
    event.preventDefault();
  });
  orbits.addEventListener("dragleave", (event) => /** @type {any} */ (event.target).closest?.(".pbx-orbit")?.removeAttribute("data-over"));
  orbits.addEventListener("drop", (event) => {
    const orbit = orbitAt(event);
    if (!orbit) return;
    event.preventDefault();
    orbit.removeAttribute("data-over");
    view.send({ act: "park", call: event.dataTransfer?.getData(CALL_TYPE), to: orbit.dataset.orbit });
  });

  /** @param {Record<string, any[][] | null>} changed */
  function showLegs(changed) {
    for (const [id, lines] of Object.entries(changed)) {
      if (lines) legs[id] = lines;
      else delete legs[id];
      parts.get(id)?.expand(lines, view.now());
    }
  }

  const onWish = () => {
    if (search.value !== model.get("filter")) search.value = model.get("filter");
    for (const part of parts.values()) part.tick(view.now(), limits());
    list.style.maxBlockSize = model.get("height");
    // The user asked for another view: what stood still may go.
    shown = shown.filter((id) => {
      const row = rows.get(id);
      if (row && wanted(row)) return true;
      drop(id);
      return false;
    });
    view.ask();
  };
  const wishes = ["phase", "filter", "ring_limit", "hold_limit", "height"];
  for (const trait of wishes) model.on(`change:${trait}`, onWish);
  model.on("change:selected", showSelected);
  onWish();

  return {
    /** @param {any} data */
    full(data) {
      keys = data.keys;
      rows = new Map();
      for (const id of merge(rows, data)) dirty.add(id);
      for (const id of Object.keys(legs)) if (!data.legs[id]) data.legs[id] = null;
      showOrbits(data.orbits);
      place();
      showLegs(data.legs);
    },
    /** @param {any} data */
    part(data) {
      for (const id of merge(rows, data)) dirty.add(id);
      if (data.orbits) showOrbits(data.orbits);
      if (data.legs) showLegs(data.legs);
    },
    draw() {
      for (const id of dirty) {
        const row = rows.get(id);
        if (row) parts.get(id)?.paint(row, view.now(), limits());
      }
      dirty.clear();
      place();
      showCounts();
      showSelected();
    },
    /** @param {number} now */
    tick(now) {
      for (const [id, part] of parts) if (rows.has(id)) part.tick(now, limits());
    },
    destroy() {
      stopCopies();
      for (const trait of wishes) model.off(`change:${trait}`, onWish);
      model.off("change:selected", showSelected);
    },
  };
}

export default definePanel(createCallList);
