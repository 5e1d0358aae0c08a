/*
 * Tiles as drop targets: a call dragged from the call list lights the tiles that may take it; the drop asks Python.
 */
import { CALL_TYPE, PARTIES_TYPE } from "../../ui/base.js";

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} grid
 * @param {(target: EventTarget | null) => any} tileAt the tile an element lies in
 * @param {(number: string) => any} tileOf
 * @param {(message: object) => void} send
 * @returns {() => void} the stop
 */
export function takeDrops(root, grid, tileAt, tileOf, send) {
  /** @type {Set<string>} */
  let parties = new Set();
  const carries = (/** @type {DragEvent} */ event) => !!event.dataTransfer?.types.includes(CALL_TYPE);
  const legal = (/** @type {any} */ tile) => !!tile && tile.row.state !== "offline" && !parties.has(tile.row.number);
  const light = (/** @type {DragEvent} */ event) => {
    if (!carries(event)) return;
    parties = new Set(JSON.parse(event.dataTransfer?.getData(PARTIES_TYPE) || "[]"));
    for (const number of parties) tileOf(number)?.element.toggleAttribute("data-party", true);
    root.toggleAttribute("data-dropping", true);
  };
  const clear = (/** @type {string} */ mark) => {
    for (const old of grid.querySelectorAll(`[${mark}]`)) old.removeAttribute(mark);
  };
  const end = () => {
    root.removeAttribute("data-dropping");
    clear("data-party");
    clear("data-over");
  };
  grid.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    const tile = tileAt(event.target);
    for (const old of grid.querySelectorAll("[data-over]")) if (old !== tile?.element) old.removeAttribute("data-over");
    if (!legal(tile)) return;
    tile.element.toggleAttribute("data-over", true);
    event.preventDefault();
  });
  grid.addEventListener("dragleave", (event) => {
    if (!grid.contains(/** @type {Node | null} */ (event.relatedTarget))) clear("data-over");
  });
  grid.addEventListener("drop", (event) => {
    const tile = tileAt(event.target);
    if (!carries(event) || !legal(tile)) return;
    event.preventDefault();
    send({ action: "drop", number: tile.row.number, call: event.dataTransfer?.getData(CALL_TYPE) });
    end();
  });
  document.addEventListener("dragstart", light);
  document.addEventListener("dragend", end);
  return () => {
    document.removeEventListener("dragstart", light);
    document.removeEventListener("dragend", end);
  };
}
