/*
 * The numbers of the day: a card each, with its value, where it stands, its trend and its meaning. Python counts.
 */
import { definePanel, duration, element, setText, setTime, sinceOf } from "../../ui/base.js";
import { LEVELS } from "../../ui/levels.js";
import { Spark } from "../sparklines/spark.js";

/** @param {any} view */
function createKpis(view) {
  const { root, body } = view;
  const told = /** @type {any} */ ({});
  /** @type {any[]} */
  let parts = [];
  let drawn = /** @type {any} */ (null), named = "";
  root.classList.add("pbx-kpis");
  const list = element("ul", "pbx-kpi-list", "", { "aria-label": "Numbers of the day" });
  const old = element("b", "pbx-kpi-old"), window_ = element("span", "pbx-soft"), foot = element("p", "pbx-kpi-foot");
  foot.append(old, window_);
  body.append(list, foot);

  function build() {
    named = JSON.stringify(told.titles);
    list.replaceChildren();
    drawn = null;
    parts = told.titles.map((/** @type {string[]} */ [name, title, meaning]) => {
      const card = element("li", "pbx-kpi", "", { "data-kpi": name, title: meaning });
      const part = { card, value: element("b", "pbx-kpi-value pbx-num"), level: element("span", "pbx-kpi-level"), shape: element("span", "pbx-shape", "", { "aria-hidden": "true" }), word: element("span"), more: element("span", "pbx-soft pbx-num pbx-kpi-more"), text: element("span"), since: element("span"), spark: new Spark(title) };
      part.level.append(part.shape, part.word);
      part.more.append(part.text, " ", part.since);
      const head = element("div", "pbx-kpi-head");
      head.append(element("span", "pbx-kpi-title", title), part.level);
      card.append(head, part.value, part.more, part.spark.svg, element("small", "pbx-soft pbx-kpi-meaning", meaning));
      list.append(card);
      return part;
    });
  }

  /** @param {number} now */
  function tick(now) {
    (told.cards || []).forEach((/** @type {any[]} */ [, , , began], /** @type {number} */ at) => {
      const { since, least } = sinceOf(began);
      setTime(parts[at].since, began ? duration(now - since, true) : "", least);
    });
    setText(old, told.old ? `■ These numbers are old: nothing has come for ${duration(now - told.old, false)}.` : "");
    root.toggleAttribute("data-old", !!told.old);
  }

  return {
    full: (/** @type {any} */ data) => Object.assign(told, data),
    part: (/** @type {any} */ data) => Object.assign(told, data),
    draw() {
      if (named !== JSON.stringify(told.titles)) build();
      told.cards.forEach((/** @type {any[]} */ [value, level, more], /** @type {number} */ at) => {
        const part = parts[at], [shape, word, tone] = LEVELS[level] || ["", "", ""];
        setText(part.value, value);
        setText(part.shape, shape);
        setText(part.word, word);
        setText(part.text, more);
        part.card.dataset.level = level;
        part.card.dataset.tone = tone;
        if (drawn !== told.trends) part.spark.draw(...told.trends[at]);
      });
      drawn = told.trends;
      setText(window_, told.window);
      tick(view.now());
    },
    tick,
  };
}

export default definePanel(createKpis);
