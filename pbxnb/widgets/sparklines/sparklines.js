/*
 * The sparkline strip: a word, the number now, and a line of the last minutes, broken where nothing is known.
 */
import { definePanel, element, setText } from "../../ui/base.js";
import { Spark, sparkText } from "./spark.js";

/** @param {any} view */
function createSparklines(view) {
  const told = /** @type {any} */ ({});
  const strip = element("div", "pbx-sparks");
  view.body.append(strip);
  /** @type {{value: Node, spark: Spark, range: Node}[]} */
  let cells = [];
  let drawn = /** @type {any} */ (null);

  function build() {
    strip.replaceChildren();
    cells = told.words.map((/** @type {string} */ word, /** @type {number} */ at) => {
      const cell = element("div", "pbx-spark", "", { "data-trend": String(at) });
      const value = element("b", "pbx-num"), range = element("small", "pbx-soft pbx-num");
      const spark = new Spark(word);
      const head = element("div", "pbx-spark-head");
      head.append(element("span", "pbx-soft", word), value);
      cell.append(head, spark.svg, range);
      strip.append(cell);
      return { value, spark, range };
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
        cell.spark.draw(values, text);
        setText(cell.range, text);
      });
    },
    tick() {},
  };
}

export default definePanel(createSparklines);
