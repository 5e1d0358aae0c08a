/*
 * The sparkline strip: a word, the number now, and a line of the last minutes, broken where nothing is known.
 */
import { definePanel, duration, element, setText } from "../ui/base.js";

const WIDTH = 120, HEIGHT = 28, SVG = "http://www.w3.org/2000/svg";

/**
 * The path of a line and of the area under it; zero is at the bottom.
 * @param {(number | null)[]} values @param {number} most
 */
export function sparkPath(values, most) {
  const x = (/** @type {number} */ at) => ((at * WIDTH) / Math.max(1, values.length - 1)).toFixed(1);
  const y = (/** @type {number} */ value) => (HEIGHT - 2 - (value * (HEIGHT - 4)) / Math.max(1, most)).toFixed(1);
  let line = "", area = "", from = -1;
  const close = (/** @type {number} */ to) => {
    if (from >= 0) area += `L${x(to)} ${HEIGHT}L${x(from)} ${HEIGHT}Z`;
    from = -1;
  };
  values.forEach((value, at) => {
    if (value === null) return close(at - 1);
    const point = `${from < 0 ? "M" : "L"}${x(at)} ${y(value)}`;
    if (from < 0) from = at;
    line += point;
    area += point;
  });
  close(values.length - 1);
  return { line, area };
}

/** What a line says in words. @param {(number | null)[]} values @param {number} span */
export function sparkText(values, span) {
  const known = /** @type {number[]} */ (values.filter((value) => value !== null));
  if (!known.length) return "nothing known";
  const lost = values.length - known.length;
  return `${Math.min(...known)} to ${Math.max(...known)} in ${duration(span, false)}` + (lost ? `, ${Math.ceil((100 * lost) / values.length)} % unknown` : "");
}

/** @param {any} view */
function createSparklines(view) {
  const told = /** @type {any} */ ({});
  const strip = element("div", "pbx-sparks");
  view.body.append(strip);
  /** @type {{value: Node, line: Element, area: Element, svg: Element, range: Node}[]} */
  let cells = [];
  let drawn = /** @type {any} */ (null);

  function build() {
    strip.replaceChildren();
    cells = told.words.map((/** @type {string} */ word, /** @type {number} */ at) => {
      const cell = element("div", "pbx-spark", "", { "data-trend": String(at) });
      const value = element("b", "pbx-num"), range = element("small", "pbx-soft pbx-num");
      const svg = document.createElementNS(SVG, "svg"), area = document.createElementNS(SVG, "path"), line = document.createElementNS(SVG, "path");
      svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("role", "img");
      area.setAttribute("class", "pbx-spark-area");
      line.setAttribute("class", "pbx-spark-line");
      svg.append(area, line);
      const head = element("div", "pbx-spark-head");
      head.append(element("span", "pbx-soft", word), value);
      cell.append(head, svg, range);
      strip.append(cell);
      return { value, line, area, svg, range };
    });
  }

  return {
    full: (/** @type {any} */ data) => Object.assign(told, data),
    part: (/** @type {any} */ data) => Object.assign(told, data),
    draw() {
      if (!told.words) return;
      if (!cells.length) build();
      cells.forEach((cell, at) => setText(cell.value, String(told.now[at])));
      if (drawn === told.lines) return;
      drawn = told.lines;
      cells.forEach((cell, at) => {
        const values = told.lines[at], text = sparkText(values, told.span);
        const { line, area } = sparkPath(values, Math.max(0, ...values.filter((/** @type {any} */ value) => value !== null)));
        cell.line.setAttribute("d", line);
        cell.area.setAttribute("d", area);
        cell.svg.setAttribute("aria-label", `${told.words[at]}: ${text}`);
        setText(cell.range, text);
      });
    },
    tick() {},
  };
}

export default definePanel(createSparklines);
