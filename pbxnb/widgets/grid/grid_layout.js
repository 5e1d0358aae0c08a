/*
 * Tiles in lines, lines in blocks: where each tile stands and which blocks are near the view. Knows elements, no telephony.
 * Blocks out of sight cost the browser nothing (content-visibility) and us nothing (their tiles are painted when near).
 */
import { element } from "../../ui/base.js";
import { cut } from "./grid_rows.js";

/** `near`: within one screen of the view. @typedef {{element: HTMLElement, tiles: any[], near: boolean}} Block */

export class Layout {
  /**
   * @param {HTMLElement} viewport scrolls
   * @param {HTMLElement} grid role=grid
   * @param {(tiles: any[]) => void} onNear tiles that came within one screen of the view
   */
  constructor(viewport, grid, onNear) {
    this.viewport = viewport;
    this.grid = grid;
    this.onNear = onNear;
    this.columns = 1;
    /** Shown tiles in order. @type {any[]} */
    this.order = [];
    /** @type {Block[]} */
    this.blocks = [];
    /** @type {WeakMap<Element, Block>} */
    this.blockOf = new WeakMap();
    // Tiles that are not shown stay in the document: a tile lives as long as its account.
    this.rest = element("div", "", "", { hidden: "", role: "presentation" });
    // One observer: every frame asks it about each block.
    this.nearness = new IntersectionObserver((entries) => onNear(this.note(entries)), { root: viewport, rootMargin: "100% 0px" });
  }

  /** @param {IntersectionObserverEntry[]} entries @returns {any[]} tiles of blocks that are near now and were not */
  note(entries) {
    /** @type {any[]} */
    const tiles = [];
    for (const { target, isIntersecting } of entries) {
      const block = this.blockOf.get(target);
      if (!block || block.near === isIntersecting) continue;
      block.near = isIntersecting;
      for (const tile of block.tiles) tile.near = isIntersecting;
      if (isIntersecting) tiles.push(...block.tiles);
    }
    return tiles;
  }

  /**
   * Put every tile in its place, touching only lines that differ.
   * @param {{label: string, rows: any[]}[]} groups of rows; row.tile is its tile
   * @param {any[]} all
   * @param {number} lineHeight px, for blocks that were never drawn
   */
  place(groups, all, lineHeight) {
    const wanted = cut(groups, this.columns);
    const focused = this.grid.contains(document.activeElement) ? document.activeElement : null;
    const shown = new Set();
    let rowIndex = 0;
    this.order = [];
    wanted.forEach((spec, at) => {
      const block = this.blocks[at] || this.addBlock(at < 2);
      block.tiles = [];
      const lines = [...block.element.children].filter((child) => !child.classList.contains("pbx-group"));
      const header = /** @type {HTMLElement | null} */ (block.element.querySelector(":scope > .pbx-group"));
      if (spec.label || header) rowIndex += this.setHeader(block.element, header, spec, rowIndex + 1);
      spec.lines.forEach((line, place) => {
        const row = lines[place] || block.element.appendChild(element("div", "pbx-line", "", { role: "row" }));
        rowIndex += 1;
        setAttribute(row, "aria-rowindex", String(rowIndex));
        line.forEach((data, column) => {
          const tile = data.tile;
          tile.near = block.near;
          block.tiles.push(tile);
          this.order.push(tile);
          shown.add(tile);
          setAttribute(tile.element, "aria-colindex", String(column + 1));
          if (row.children[column] !== tile.element) row.insertBefore(tile.element, row.children[column] || null);
        });
        while (row.children.length > line.length) this.rest.append(/** @type {Element} */ (row.lastChild));
      });
      for (const row of lines.slice(spec.lines.length)) this.clear(row);
      block.element.style.containIntrinsicBlockSize = `auto ${spec.lines.length * lineHeight}px`;
    });
    for (const block of this.blocks.splice(wanted.length)) {
      this.nearness.unobserve(block.element);
      this.clear(block.element);
    }
    for (const data of all) {
      if (shown.has(data.tile)) continue;
      data.tile.near = false;
      if (data.tile.element.parentNode !== this.rest) this.rest.append(data.tile.element);
    }
    this.grid.style.setProperty("--pbx-columns", String(this.columns));
    this.grid.setAttribute("aria-rowcount", String(rowIndex));
    this.grid.setAttribute("aria-colcount", String(this.columns));
    // Moving an element takes its focus away.
    if (focused instanceof HTMLElement && focused !== document.activeElement && !this.rest.contains(focused)) focused.focus({ preventScroll: true });
    this.onNear(this.order.filter((tile) => tile.near));
  }

  /** @param {boolean} near */
  addBlock(near) {
    const made = { element: element("div", "pbx-block", "", { role: "rowgroup" }), /** @type {any[]} */ tiles: [], near };
    this.blocks.push(made);
    this.blockOf.set(made.element, made);
    this.grid.append(made.element);
    this.nearness.observe(made.element);
    return made;
  }

  /** @param {HTMLElement} block @param {HTMLElement | null} header @param {{label: string, count: number}} spec @param {number} rowIndex @returns {number} lines it takes */
  setHeader(block, header, spec, rowIndex) {
    if (!spec.label) {
      header?.remove();
      return 0;
    }
    if (!header) {
      header = element("div", "pbx-group", "", { role: "row" });
      header.append(element("div", "", "", { role: "rowheader", dir: "auto" }));
      block.prepend(header);
    }
    header.setAttribute("aria-rowindex", String(rowIndex));
    const cell = /** @type {HTMLElement} */ (header.firstChild);
    cell.setAttribute("aria-colspan", String(this.columns));
    cell.textContent = `${spec.label} · ${spec.count}`;
    return 1;
  }

  /** Take a line or a block away; its tiles go to the rest. @param {Element} holder */
  clear(holder) {
    const tiles = holder.classList.contains("pbx-line") ? [...holder.children] : [...holder.querySelectorAll(".pbx-tile")];
    this.rest.append(...tiles);
    holder.remove();
  }

  destroy() {
    this.nearness.disconnect();
  }
}

/** @param {Element} node @param {string} name @param {string} value */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
