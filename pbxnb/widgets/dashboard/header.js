/*
 * The head of a board: settings and switches; it also gives the box around it what panels have: theme, density, wallboard.
 */
import { definePanel, element, keepKeys, setText } from "../../ui/base.js";
import { menuButton, traitSections } from "../../ui/menu.js";

/** @type {import("../../ui/menu.js").Choice[]} */
const SETTINGS = [
  ["theme", "Theme", [["auto", "auto"], ["light", "light"], ["dark", "dark"]]],
  ["density", "Density", [["comfortable", "comfortable"], ["compact", "compact"]]],
];

/** @param {any} view */
function createFrame(view) {
  const { model, root, body } = view;
  /** @type {any} */
  const facts = { shown: [], why: "", parts: {}, paused: false, missed: 0, lacks: null };
  /** @type {HTMLElement | null} */
  let board = null;
  root.classList.add("pbx-frame");
  const bar = element("div", "pbx-bar pbx-tools", "", { role: "toolbar", "aria-label": "Board" });
  const why = element("button", "pbx-button", "", { type: "button", hidden: "" }), switches = element("span", "pbx-switches");
  why.addEventListener("click", () => view.send({ why: true }));
  const pause = element("button", "pbx-button pbx-pause", "Pause", { type: "button" }), since = element("span", "pbx-since pbx-soft pbx-num");
  pause.addEventListener("click", () => (facts.lacks ? view.announce(lacking()) : view.send({ pause: !facts.paused })));
  bar.append(since, pause, why, switches, menuButton("View ▾", "View of the board", () => traitSections(model, SETTINGS, {})));
  body.append(bar);

  const lacking = () => `${facts.lacks} pbx.record_to("monday.pbx") begins a recording; then the board can be paused.`;
  function showPause() {
    pause.hidden = facts.lacks === null;
    pause.setAttribute("aria-disabled", String(!!facts.lacks));
    pause.title = facts.lacks ? lacking() : facts.paused ? "Show the line as it is now" : "Stand still and look back, while the recording goes on";
    setText(pause, facts.paused ? "Back to now" : "❚❚ Pause");
    setText(since, facts.paused ? `Paused; ${facts.missed} ${facts.missed === 1 ? "event" : "events"} since` : "");
    board?.toggleAttribute("data-paused", facts.paused);
  }
  function show() {
    showPause();
    why.hidden = !facts.why;
    setText(why, `Why is ${facts.why} so?`);
    for (const [name, word] of Object.entries(facts.parts)) {
      let chip = /** @type {HTMLElement | null} */ (switches.querySelector(`[data-part="${name}"]`));
      if (!chip) {
        chip = element("button", "pbx-chip", String(word), { type: "button", "data-part": name });
        chip.addEventListener("click", () => view.send({ show: name, on: !facts.shown.includes(name) }));
        switches.append(chip);
      }
      chip.setAttribute("aria-pressed", String(facts.shown.includes(name)));
    }
  }

  let tries = 0;
  function stamp() {
    if (!board) return;
    board.toggleAttribute("data-paused", facts.paused);
    for (const name of ["theme", "density"]) board.dataset[name] = root.dataset[name];
    for (const name of ["data-hosted", "data-wallboard"]) board.toggleAttribute(name, root.hasAttribute(name));
  }
  /** Look after what is not ours: a plotly figure keeps its first width for ever once its height was set (7.1). */
  function mendForeign() {
    let odd = false;
    for (const figure of /** @type {NodeListOf<any>} */ (board?.querySelectorAll(".js-plotly-plot") || [])) {
      if (!figure.clientWidth || !figure._fullLayout || Math.abs(figure._fullLayout.width - figure.clientWidth) < 2) continue;
      delete figure.layout.width;
      odd = true;
    }
    if (odd) window.dispatchEvent(new Event("resize"));
  }
  const mending = setInterval(mendForeign, 500);
  /** The board around us is there once the page has put us into it. */
  function attach() {
    board = root.closest(".pbx-dashboard");
    if (board) {
      keepKeys(board);
      stamp();
    } else if (tries++ < 100) requestAnimationFrame(attach);
  }
  const watcher = new MutationObserver(stamp);
  watcher.observe(root, { attributes: true, attributeFilter: ["data-theme", "data-density", "data-hosted", "data-wallboard"] });
  attach();

  /** @param {any} data */
  function take(data) {
    Object.assign(facts, data);
    show();
  }
  return {
    full: take,
    part: take,
    draw() {},
    tick() {},
    destroy() {
      watcher.disconnect();
      clearInterval(mending);
    },
  };
}

export default definePanel(createFrame);
