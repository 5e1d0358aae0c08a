/*
 * The tools of a live figure: fields bound to the kernel's traits, the way back to now, the legend, and a line of text
 * that stands below the figure (see tools.css).
 */
import { definePanel, element, setText } from "../../ui/base.js";

/** @param {any} view */
function createFigureTools(view) {
  const values = /** @type {Record<string, any>} */ ({});
  let told = /** @type {any} */ (null), note = "";
  const row = element("div", "pbx-bar pbx-tools"), legend = element("div", "pbxnb-legend");
  const line = element("p", "pbxnb-note mathjax_ignore", "", { dir: "auto" }); // names of callers are no formulas
  view.body.append(row, legend, line);
  /** @type {Record<string, () => void>} */
  const show = {};

  /** @param {string} name @param {any} value */
  const set = (name, value) => view.send({ set: name, to: (values[name] = value) });

  /** @param {{name: string, title: string, options: [string, any][]}} choice */
  function list({ name, title, options }) {
    const select = /** @type {HTMLSelectElement} */ (element("select", "", "", { title, "aria-label": title, "data-choice": name }));
    for (const [word, value] of options) select.append(element("option", "", word, { value: String(value) }));
    select.addEventListener("change", () => set(name, options[select.selectedIndex]?.[1] ?? Number(select.value)));
    show[name] = () => {
      const value = String(values[name]);
      if (![...select.options].some(option => option.value === value)) select.append(element("option", "", `${value} s`, { value }));
      select.value = value;
    };
    return select;
  }

  /** @param {{name: string, title: string}} choice */
  function text({ name, title }) {
    const input = /** @type {HTMLInputElement} */ (element("input", "", "", { type: "search", placeholder: title, "aria-label": title, "data-choice": name }));
    input.addEventListener("change", () => set(name, input.value));
    show[name] = () => {
      if (input.value !== values[name]) input.value = values[name];
    };
    return input;
  }

  /** @param {{name: string, title: string}} choice */
  function onOff({ name, title }) {
    const button = element("button", "pbx-button", title, { type: "button", "data-choice": name });
    button.addEventListener("click", () => set(name, !values[name]));
    show[name] = () => button.setAttribute("aria-pressed", String(!!values[name]));
    return button;
  }

  function build() {
    row.replaceChildren(...told.choices.map((/** @type {any} */ choice) =>
      choice.options ? list(choice) : typeof values[choice.name] === "string" ? text(choice) : onOff(choice)));
    if ("following" in values) {
      const back = /** @type {HTMLButtonElement} */ (element("button", "pbx-button", "Back to now", { type: "button" }));
      back.addEventListener("click", () => view.send({ back: true }));
      show.following = () => (back.disabled = values.following);
      row.append(back);
    }
    legend.replaceChildren(...told.legend.map((/** @type {[string, string, number]} */ [word, paint, height]) => {
      const chip = element("span"), mark = element("i");
      mark.style.background = paint;
      mark.style.height = `${height}px`;
      chip.append(mark, word);
      return chip;
    }));
    row.hidden = !row.children.length;
  }

  /** @param {any} data */
  function take(data) {
    Object.assign(values, data.values);
    if (data.note !== undefined) note = data.note;
  }
  return {
    full(/** @type {any} */ data) {
      take(data);
      const built = told !== null;
      told = data;
      if (!built) build();
    },
    part: take,
    draw() {
      for (const name of Object.keys(show)) show[name]();
      setText(line, note);
    },
    tick() {},
  };
}

export default definePanel(createFigureTools);
