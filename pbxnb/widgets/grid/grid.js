/*
 * The extension grid: legend and filters, tiles, keys, selection. Data in grid_rows.js, places in grid_layout.js,
 * drop targets in grid_drop.js.
 */
import { STATES, commandFor, definePanel, element, setText } from "../../ui/base.js";
import { menuButton, traitSections } from "../../ui/menu.js";
import { copyMenu, copyRows } from "../../ui/table_copy.js";
import { takeDrops } from "./grid_drop.js";
import { Layout } from "./grid_layout.js";
import { HEADS, Rows, arrange, cellsOf, follows } from "./grid_rows.js";
import { Tile } from "./grid_tile.js";

const LEGEND = [...STATES, { code: "", name: "dnd", shape: "⊘", word: "Do not disturb" }];
/** Rare choices. @type {import("../../ui/menu.js").Choice[]} */
const CHOICES = [
  ["group_by", "Group by", [["", "nothing"], ["department", "department"], ["type", "type"], ["state", "state"]]],
  ["sort", "Sort by", [["number", "number"], ["name", "name"], ["state", "state"], ["since", "time in state"]]],
  ["view", "Show as", [["boxes", "boxes"], ["list", "list"]]],
  ["density", "Density", [["comfortable", "comfortable"], ["compact", "compact"]]],
  ["kinds", "Accounts", [[["extensions"], "extensions"], ["all", "all kinds"]]],
];
const SETTLE = 400, COUNT_EVERY = 250;

/** @param {any} view */
function createGrid(view) {
  const { model, root, body } = view;
  const rows = new Rows();
  /** @type {[string, string, string[]][]} */
  let keys = [];
  /** @type {Set<any>} rows to paint in the next frame */
  const dirty = new Set();
  /** @type {Set<any>} rows out of sight that lag behind */
  const late = new Set();
  const given = /** @type {Record<string, [any, string]>} */ ({ group_by: ["function", model.get("group_name")], kinds: [model.get("kinds"), model.get("kinds").toString()] });
  let selected = new Set(model.get("selected")), anchor = "", current = "", placed = 0, replace = 0, quiet = 0, counting = 0, counted = -COUNT_EVERY;
  root.classList.add("pbx-grid");

  // Legend and filters in one: shape, word, colour, live count.
  const legend = element("div", "pbx-bar pbx-legend", "", { role: "toolbar", "aria-label": "State filter and legend" });
  /** @type {Map<string, {chip: HTMLElement, count: HTMLElement}>} */
  const chips = new Map();
  for (const state of [{ name: "", shape: "", word: "All" }, ...LEGEND]) {
    const chip = element("button", "pbx-chip", "", { type: "button", "aria-pressed": "false", "data-filter": state.name });
    if (state.shape) chip.append(element("span", "pbx-mark", state.shape, { "aria-hidden": "true", "data-tone": state.name }));
    const count = element("b", "", "0");
    chip.append(element("span", state.shape ? "pbx-chip-word" : "", state.word), count);
    chip.title = state.word;
    chip.addEventListener("click", (event) => toggleState(state.name, event.ctrlKey || event.metaKey || event.shiftKey));
    chips.set(state.name, { chip, count });
    legend.append(chip);
  }
  const search = /** @type {HTMLInputElement} */ (element("input", "pbx-search pbx-tools", "", { type: "search", placeholder: "Find number, name, group  ( / )", "aria-label": "Find accounts", maxlength: "200" }));
  const tools = element("span", "pbx-grid-tools");
  const none = element("p", "pbx-none pbx-soft", "", { role: "status" });
  const viewport = element("div", "pbx-scroll"), grid = element("div", "pbx-tiles", "", { role: "grid", "aria-label": "Extensions", "aria-multiselectable": "true" });
  /** @param {any[]} tiles */
  const onNear = (tiles) => {
    const now = view.now();
    for (const tile of tiles) {
      if (!tile.parts || late.delete(tile.row)) tile.paint(now);
      else tile.tick(now);
    }
    showLag();
  };
  const layout = new Layout(viewport, grid, onNear);
  viewport.append(grid, layout.rest, none);
  tools.append(search, menuButton("View ▾", "View", () => traitSections(model, CHOICES, given)), copyMenu(view, "extensions", grid, () => [HEADS, ...table(chosen())]));
  legend.append(tools);
  body.append(legend, viewport);

  /** @param {string} trait @param {any} value */
  function put(trait, value) {
    model.set(trait, value);
    model.save_changes();
  }

  const wish = () => ({ filter: model.get("filter"), states: model.get("states"), sort: model.get("sort"), groupBy: model.get("group_by") });

  /** @param {string} name @param {boolean} more */
  function toggleState(name, more) {
    const states = model.get("states");
    if (!name) return put("states", []);
    const without = states.filter((/** @type {string} */ state) => state !== name);
    put("states", more ? (without.length < states.length ? without : [...states, name]) : states.length === 1 && !without.length ? [] : [name]);
  }

  function showLegend() {
    const states = model.get("states");
    for (const [name, { chip, count }] of chips) {
      setText(count, String(rows.counts[name || "all"] || 0));
      chip.toggleAttribute("data-none", !rows.counts[name || "all"]);
      chip.setAttribute("aria-pressed", String(name ? states.includes(name) : !states.length));
    }
  }

  /** Nobody reads counts 20 times a second. */
  function showCounts() {
    clearTimeout(counting);
    counting = 0;
    counted = performance.now();
    showLegend();
    const { ringing = 0, busy = 0, held = 0 } = rows.counts;
    view.announce(`${ringing} ringing, ${busy} in call, ${held} on hold.`);
  }

  function showLag() {
    root.toggleAttribute("data-lag", late.size > 0);
  }

  function measure() {
    const list = model.get("view") === "list", compact = root.dataset.density === "compact";
    const least = compact ? 148 : 196, gap = compact ? 4 : 8, width = grid.clientWidth || viewport.clientWidth || 800;
    layout.columns = list ? 1 : Math.max(1, Math.floor((width + gap) / (least + gap)));
    root.dataset.view = list ? "list" : "boxes";
    return list ? (compact ? 26 : 32) : compact ? 44 : 58;
  }

  function place() {
    clearTimeout(replace);
    replace = 0;
    placed = performance.now();
    const lineHeight = measure();
    layout.place(arrange(rows.all, wish()), rows.all, lineHeight);
    setText(none, layout.order.length ? "" : rows.all.length ? "No account fits the filter." : "No account of the kinds shown is known yet.");
    if (!layout.order.some((tile) => tile.row.number === current)) current = "";
    const stop = layout.order.find((tile) => tile.row.number === current) || layout.order[0];
    if (stop) setStop(stop);
  }

  /** The order follows the states: rearrange, but not at every change. */
  function placeSoon() {
    if (!replace) replace = window.setTimeout(place, Math.max(0, placed + 1000 - performance.now()));
  }

  let stop = /** @type {any} */ (null);
  /** @param {any} tile */
  function setStop(tile) {
    if (stop && stop !== tile) stop.element.tabIndex = -1;
    stop = tile;
    if (tile.element.tabIndex !== 0) tile.element.tabIndex = 0;
    current = tile.row.number;
  }

  /** @param {any} tile */
  function focus(tile) {
    setStop(tile);
    tile.element.focus({ preventScroll: true });
    tile.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {Iterable<string>} numbers */
  function select(numbers) {
    showSelection(new Set(numbers));
    put("selected", [...selected]);
  }

  /** @param {Set<string>} next */
  function showSelection(next) {
    for (const number of new Set([...selected, ...next])) rows.byNumber.get(number)?.tile?.element.setAttribute("aria-selected", String(next.has(number)));
    selected = next;
  }

  /** @param {any} tile @param {{ctrlKey: boolean, metaKey: boolean, shiftKey: boolean}} event */
  function choose(tile, event) {
    const number = tile.row.number;
    if (event.shiftKey && anchor) {
      const order = layout.order.map((other) => other.row.number), a = order.indexOf(anchor), b = order.indexOf(number);
      if (a >= 0) return select(order.slice(Math.min(a, b), Math.max(a, b) + 1));
    }
    anchor = number;
    if (!(event.ctrlKey || event.metaKey)) return select(selected.size === 1 && selected.has(number) ? [] : [number]);
    const next = new Set(selected);
    if (!next.delete(number)) next.add(number);
    select(next);
  }

  /** @param {EventTarget | null} target */
  const tileAt = (target) => rows.byNumber.get(/** @type {any} */ (target)?.closest?.(".pbx-tile")?.dataset.number)?.tile;

  grid.addEventListener("click", (event) => {
    const tile = tileAt(event.target);
    if (!tile) return;
    focus(tile);
    if (/** @type {Element} */ (event.target).closest(".pbx-tag-calls")) return expand(tile);
    choose(tile, event);
  });
  grid.addEventListener("focusin", (event) => {
    const tile = tileAt(event.target);
    if (tile) setStop(tile);
  });

  /** @param {any} tile */
  function expand(tile) {
    tile.expanded = !tile.expanded;
    tile.paint(view.now());
  }

  grid.addEventListener("keydown", (event) => {
    const tile = tileAt(event.target);
    if (!tile || event.altKey) return;
    const order = layout.order, at = order.indexOf(tile), columns = layout.columns;
    const page = Math.max(1, Math.floor(viewport.clientHeight / (tile.element.offsetHeight + 8))) * columns;
    const moves = /** @type {Record<string, number>} */ ({
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: below(at, 1), ArrowUp: below(at, -1),
      Home: event.ctrlKey ? 0 : at - (column(tile) - 1), End: event.ctrlKey ? order.length - 1 : at - column(tile) + (tile.element.parentElement?.childElementCount || 1),
      PageDown: Math.min(order.length - 1, at + page), PageUp: Math.max(0, at - page),
    });
    const rtl = getComputedStyle(grid).direction === "rtl", key = rtl && event.key === "ArrowRight" ? "ArrowLeft" : rtl && event.key === "ArrowLeft" ? "ArrowRight" : event.key;
    const handled = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (key in moves) {
      const target = order[Math.min(order.length - 1, Math.max(0, moves[key]))];
      handled();
      focus(target);
      if (event.shiftKey) choose(target, event);
    } else if (key === " " || key === "Enter") {
      handled();
      choose(tile, { ctrlKey: key === " ", metaKey: false, shiftKey: event.shiftKey });
    } else if (key === "Escape") {
      handled();
      select([]);
    } else if (key === "a" && (event.ctrlKey || event.metaKey)) {
      handled();
      select(order.map((other) => other.row.number));
    } else if (event.ctrlKey || event.metaKey) {
      return;
    } else if (key === "/") {
      handled();
      search.focus();
    } else if (key === "e") {
      handled();
      expand(tile);
    } else if (!model.get("wallboard") && (key === "w" || commandFor(keys, key))) {
      handled();
      view.send({ action: key === "w" ? "why" : commandFor(keys, key), number: tile.row.number });
    }
  });

  /** @param {any} tile */
  const column = (tile) => Number(tile.element.getAttribute("aria-colindex"));
  /** The tile in the same column of the next line up or down, or the last of that line. @param {number} at @param {number} step */
  function below(at, step) {
    const tile = layout.order[at], wanted = column(tile);
    let place = at + step;
    const line = tile.element.parentElement;
    while (layout.order[place] && layout.order[place].element.parentElement === line) place += step;
    const other = layout.order[place]?.element.parentElement;
    if (!other) return at;
    const cell = other.children[Math.min(wanted, other.childElementCount) - 1];
    return layout.order.indexOf(tileAt(cell));
  }

  search.addEventListener("input", () => put("filter", search.value));
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") put("filter", "");
    if (event.key === "ArrowDown" && layout.order[0]) {
      event.preventDefault();
      focus(layout.order[0]);
    }
  });

  /** @returns {any[]} the tiles that are selected, or all that are shown */
  function chosen() {
    const some = layout.order.filter((tile) => selected.has(tile.row.number));
    return some.length ? some : layout.order;
  }
  const table = (/** @type {any[]} */ tiles) => tiles.map((tile) => cellsOf(tile.row, view.now()));
  const stopCopies = copyRows(grid, () => table(selected.has(current) ? chosen() : [stop]));
  const stopDrops = takeDrops(root, grid, tileAt, (number) => rows.byNumber.get(number)?.tile, view.send);

  // Traits, changed here or in Python.
  const onWish = () => {
    const now = wish();
    if (search.value !== now.filter) search.value = now.filter;
    showLegend();
    place();
  };
  const onSelected = () => showSelection(new Set(model.get("selected")));
  const onLook = () => {
    root.dataset.preset = model.get("preset");
    viewport.style.maxBlockSize = model.get("height");
  };
  for (const trait of ["filter", "states", "sort", "group_by", "view", "density"]) model.on(`change:${trait}`, onWish);
  model.on("change:selected", onSelected);
  for (const trait of ["preset", "height"]) model.on(`change:${trait}`, onLook);
  const sizes = new ResizeObserver(() => {
    const before = layout.columns;
    measure();
    if (layout.columns !== before) place();
  });
  sizes.observe(viewport);
  onLook();

  /** @param {any} row its tile is to be painted: soon, or when somebody looks */
  const stale = (row) => (row.tile.near ? dirty : late).add(row);

  function settle() {
    clearTimeout(quiet);
    quiet = late.size ? window.setTimeout(catchUp, SETTLE) : 0;
  }

  /** Out of sight and nobody in a hurry: let the tiles there catch up, some at a time. */
  function catchUp() {
    quiet = 0;
    let count = 0;
    for (const row of late) {
      late.delete(row);
      row.tile.paint(view.now());
      if (++count >= 500) break;
    }
    showLag();
    if (late.size) quiet = window.setTimeout(catchUp, 30);
  }

  return {
    /** @param {any} data */
    full(data) {
      keys = data.keys;
      for (const row of rows.full(data)) {
        late.delete(row);
        dirty.delete(row);
        /** @type {any} */ (row).tile.element.remove();
      }
      for (const row of /** @type {any[]} */ (rows.all)) {
        if (row.tile) stale(row);
        else row.tile = new Tile(row);
        if (selected.has(row.number)) row.tile.element.setAttribute("aria-selected", "true");
      }
      onWish();
    },
    /** @param {any} data */
    part(data) {
      for (const row of rows.part(data)) stale(row);
      settle();
      if (follows(wish())) placeSoon();
      if (!counting) counting = window.setTimeout(showCounts, COUNT_EVERY);
      return dirty.size > 0 || !root.hasAttribute("data-lag");
    },
    draw() {
      const now = view.now();
      for (const row of dirty) row.tile.paint(now);
      dirty.clear();
      if (performance.now() - counted >= COUNT_EVERY) showCounts(); // in a frame that is drawn anyway they cost least
      showLag();
      settle();
    },
    /** @param {number} now */
    tick(now) {
      for (const block of layout.blocks) if (block.near) for (const tile of block.tiles) tile.tick(now);
    },
    destroy() {
      for (const timer of [replace, quiet, counting]) clearTimeout(timer);
      for (const trait of ["filter", "states", "sort", "group_by", "view", "density"]) model.off(`change:${trait}`, onWish);
      model.off("change:selected", onSelected);
      for (const trait of ["preset", "height"]) model.off(`change:${trait}`, onLook);
      sizes.disconnect();
      layout.destroy();
      stopDrops();
      stopCopies();
    },
  };
}

export default definePanel(createGrid);
