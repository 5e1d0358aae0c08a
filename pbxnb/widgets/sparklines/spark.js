/*
 * A sparkline: a line of the last minutes with its area, broken where nothing is known, and what it says in words.
 */
import { duration } from "../../ui/base.js";

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

/** What a line says in words. @param {(number | null)[]} values @param {number} span seconds @param {(value: number) => string} [text] */
export function sparkText(values, span, text = String) {
  const known = /** @type {number[]} */ (values.filter((value) => value !== null));
  if (!known.length) return "nothing known";
  const lost = values.length - known.length;
  return `${text(Math.min(...known))} to ${text(Math.max(...known))} in ${duration(span, false)}` + (lost ? `, ${Math.ceil((100 * lost) / values.length)} % unknown` : "");
}

/** A sparkline in the page, with its words as its name. */
export class Spark {
  /** @param {string} word what it counts */
  constructor(word) {
    this.word = word;
    this.svg = document.createElementNS(SVG, "svg");
    this.area = document.createElementNS(SVG, "path");
    this.line = document.createElementNS(SVG, "path");
    this.area.setAttribute("class", "pbx-spark-area");
    this.line.setAttribute("class", "pbx-spark-line");
    this.svg.append(this.area, this.line);
    for (const [name, value] of [["viewBox", `0 0 ${WIDTH} ${HEIGHT}`], ["preserveAspectRatio", "none"], ["role", "img"], ["class", "pbx-spark-chart"]]) this.svg.setAttribute(name, value);
  }

  /** @param {(number | null)[]} values @param {string} text in words */
  draw(values, text) {
    const { line, area } = sparkPath(values, Math.max(0, ...values.map((value) => value ?? 0)));
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", area);
    this.svg.setAttribute("aria-label", `${this.word}: ${text}`);
  }
}
