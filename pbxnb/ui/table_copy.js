/*
 * The rows of a panel as text: for the clipboard with tabs between the cells, as CSV there or in a file.
 */
import { copyText } from "./clipboard.js";
import { menuButton } from "./menu.js";

/** @typedef {(string | number)[]} Cells */

/** A text that a spreadsheet would take for a formula gets an apostrophe, as in the exports of recordings; a phone number is none. @param {string | number} cell */
export function harmless(cell) {
  return typeof cell === "string" && /^(?:[=@\t\r]|[+-](?![\d (),.-]*$))/.test(cell) ? `'${cell}` : String(cell);
}

/** Rows with tabs between their cells, a line each. @param {Cells[]} rows */
export function tabbed(rows) {
  return rows.map((row) => row.map((cell) => harmless(cell).replace(/[\t\r\n]+/g, " ")).join("\t")).join("\n");
}

/** Rows as CSV (RFC 4180). @param {Cells[]} rows */
export function csv(rows) {
  const quoted = (/** @type {string} */ text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => `${row.map((cell) => quoted(harmless(cell))).join(",")}\r\n`).join("");
}

/**
 * The menu of a panel by which its rows are copied and saved: those that are selected, or all that are shown.
 * @param {any} view @param {string} name of the file, without its ending @param {HTMLElement} shown what is selected where the clipboard is closed to us
 * @param {() => Cells[]} table the heads, then the rows
 * @param {() => import("./menu.js").MenuSection[]} [others] what else the menu holds
 */
export function copyMenu(view, name, shown, table, others = () => []) {
  const save = () => {
    const url = URL.createObjectURL(new Blob(["\ufeff", csv(table())], { type: "text/csv" })); // the mark by which spreadsheets know UTF-8
    Object.assign(document.createElement("a"), { href: url, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const items = [
    { word: "Copy rows as CSV", act: async () => view.announce(await copyText(csv(table()), shown)) },
    { word: "Save rows as CSV", act: save },
  ];
  return menuButton("⋯", "More", () => [{ label: "", items }, ...others()]);
}

/**
 * Copying in a panel copies its rows, unless a text in it is selected.
 * @param {HTMLElement} grid @param {() => Cells[]} rows those that are selected, or the one that has the focus
 * @returns {() => void} the stop
 */
export function copyRows(grid, rows) {
  const copy = (/** @type {ClipboardEvent} */ event) => {
    if (!grid.contains(document.activeElement) || !getSelection()?.isCollapsed) return;
    event.clipboardData?.setData("text/plain", tabbed(rows()));
    event.preventDefault();
  };
  document.addEventListener("copy", copy);
  return () => document.removeEventListener("copy", copy);
}
