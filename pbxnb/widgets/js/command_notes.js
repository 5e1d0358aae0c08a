/*
 * What the command bar says: the selected call, what will be sent, why not, how it went, the steps of an attended transfer.
 * It also marks the bar's ipywidgets buttons with data-command and gives the bar its theme; it sends no command.
 */
import { definePanel, element, keepKeys, setText } from "../../ui/base.js";
import { copyText } from "../../ui/clipboard.js";

const LANGUAGES = [["json", "JSON"], ["python", "Python"], ["javascript", "JavaScript"]];
const STATE_SHAPES = /** @type {Record<string, string>} */ ({ ringing: "◔", connected: "●", held: "❚❚", parked: "▣", other: "·" });

/** @type {Record<string, string>} */
const FIELD_WORDS = { to: "Number or extension", text: "Chat message", frame: "Free frame, JSON", pick: "Call", orbit: "Orbit", queue: "Queue" };

/** The act a button of the bar stands for, from its classes. @param {Iterable<string>} classes */
export function actOf(classes) {
  for (const name of classes) if (name.startsWith("pbx-cmd-")) return name.slice(8);
  return "";
}

/** @param {any} view */
function createNotes(view) {
  const { root, body } = view;
  /** @type {Record<string, any>} */
  let told = {};
  /** @type {HTMLElement | null} */
  let bar = null;
  /** @type {HTMLElement | null} where the focus was when a key elsewhere made us ask */
  let away = null;
  let looked = "", asked = "", focused = 0;
  root.classList.add("pbx-notes");

  const subject = element("div", "pbx-subject", "", { role: "status" });
  const steps = element("ol", "pbx-steps", "", { "aria-label": "Attended transfer" });
  const sends = element("div", "pbx-sends");
  const choose = /** @type {HTMLSelectElement} */ (element("select", "", "", { "aria-label": "Command to show" }));
  const code = element("code", "pbx-code", "", { tabindex: "0", "aria-label": "What will be sent" });
  const about = element("span", "pbx-about pbx-soft");
  const label = element("label", "pbx-soft", "What will be sent ");
  label.append(choose);
  sends.append(label);
  const language = /** @type {HTMLSelectElement} */ (element("select", "", "", { "aria-label": "Language to show it in" }));
  for (const [name, word] of LANGUAGES) language.append(element("option", "", word, { value: name }));
  language.addEventListener("change", () => showPreview());
  const copy = element("button", "pbx-button", "Copy", { type: "button" });
  copy.addEventListener("click", async () => view.announce(await copyText(code.textContent || "", code)));
  sends.append(language, copy, code);
  const why = /** @type {HTMLDetailsElement} */ (element("details", "pbx-why"));
  const whyList = element("ul"), whyHead = element("summary", "", "Why not?");
  why.append(whyHead, whyList);
  const foot = element("div", "pbx-foot");
  foot.append(about, why);
  const outcomes = element("ul", "pbx-outcomes", "", { "aria-live": "polite", "aria-label": "Outcomes" });
  const question = element("div", "pbx-question", "", { role: "alert", dir: "auto" });
  body.append(subject, question, steps, sends, outcomes, foot);
  choose.addEventListener("change", () => look(choose.value));

  /** @param {string} act */
  function look(act) {
    if (!act || act === looked || !(act in (told.labels || {}))) return;
    looked = act;
    view.send({ look: act });
  }

  function showSubject() {
    const [state, from, to] = told.subject || ["", "No call selected", ""];
    subject.dataset.state = state || "other";
    const shape = element("span", "pbx-shape", STATE_SHAPES[state] || "", { "aria-hidden": "true" });
    const words = element("b");
    words.append(element("bdi", "", from));
    if (to) words.append(" → ", element("bdi", "", to));
    if (state) words.append(" ", element("span", "pbx-soft", state));
    subject.replaceChildren(...(state ? [shape] : []), words);
  }

  function showPreview() {
    const preview = told.preview || {};
    choose.value = preview.act || "";
    setText(code, preview.problem ? preview.problem : preview[language.value] || "");
    code.toggleAttribute("data-problem", !!preview.problem);
    setText(about, preview.problem ? "" : [preview.effect, preview.certainty && `Certainty ${preview.certainty}.`, preview.assumption].filter(Boolean).join(" "));
  }

  function showReasons() {
    const reasons = Object.entries(told.reasons || {});
    why.hidden = !reasons.length;
    const all = new Set(reasons.map(([, reason]) => reason));
    // One reason for everything is worth a line of its own, not a list.
    const items = all.size === 1 && reasons.length > 1 ? [element("li", "", [...all][0])] : reasons.map(([word, reason]) => {
      const item = element("li");
      item.append(element("b", "", `${word}: `), reason);
      return item;
    });
    whyList.replaceChildren(...items);
    setText(whyHead, all.size === 1 && reasons.length > 1 ? `Why not? ${[...all][0]}` : `Why not? (${reasons.length} buttons)`);
  }

  function showOutcomes() {
    outcomes.replaceChildren(...(told.outcomes || []).map((/** @type {string[]} */ [mark, text]) => element("li", "", `${mark} ${text}`, { "data-mark": mark, dir: "auto" })));
  }

  function showSteps() {
    const flow = told.attended;
    steps.hidden = !flow;
    if (!flow) return;
    const items = flow.steps.map((/** @type {string} */ word, /** @type {number} */ at) => element("li", "", word, at === flow.at ? { "aria-current": "step" } : at < flow.at ? { "data-done": "" } : {}));
    const lines = element("li", "pbx-two");
    flow.lines.forEach((/** @type {string} */ line, /** @type {number} */ at) => lines.append(element("span", "", `${at + 1}. ${line}`, { dir: "auto" })));
    steps.replaceChildren(...items, lines, ...(flow.over ? [element("li", "pbx-over", flow.over, { dir: "auto" })] : []));
  }

  /** Give the buttons their data-command, and the bar what our root has. */
  function stamp() {
    if (!bar) return;
    for (const button of bar.querySelectorAll("button.pbx-cmd")) {
      const act = actOf(button.classList), marked = /** @type {HTMLElement} */ (button);
      if (marked.dataset.command !== act) marked.dataset.command = act;
      marked.toggleAttribute("aria-busy", button.classList.contains("pbx-busy"));
      if (marked.title) marked.setAttribute("aria-description", marked.title);
      else marked.removeAttribute("aria-description");
    }
    for (const field of bar.querySelectorAll(".pbx-field :is(input, select, textarea)")) {
      const name = [...(field.closest(".pbx-field")?.classList || [])].find((one) => one.startsWith("pbx-field-"))?.slice(10) || "";
      if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", FIELD_WORDS[name] || name);
    }
    for (const name of ["theme", "density"]) if (bar.dataset[name] !== root.dataset[name]) bar.dataset[name] = root.dataset[name];
    bar.toggleAttribute("data-hosted", root.hasAttribute("data-hosted"));
    bar.toggleAttribute("data-armed", !!told.armed);
  }

  const watcher = new MutationObserver(stamp);
  const onLook = (/** @type {Event} */ event) => look(actOf(/** @type {Element} */ (event.target).closest?.(".pbx-cmd")?.classList || []));
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !asked) return;
    event.preventDefault();
    /** @type {HTMLElement | null | undefined} */ (bar?.querySelector(".pbx-cmd-keep"))?.click();
  };
  let tries = 0;
  /** The bar around us is there once the page has put us into it. */
  function attach() {
    bar = root.closest(".pbx-command-bar");
    if (!bar) {
      if (tries++ < 100) requestAnimationFrame(attach);
      return;
    }
    watcher.observe(bar, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "title"] });
    watcher.observe(root, { attributes: true, attributeFilter: ["data-theme", "data-density", "data-hosted"] });
    bar.addEventListener("pointerover", onLook);
    bar.addEventListener("focusin", onLook);
    bar.addEventListener("keydown", onKey);
    keepKeys(bar);
    stamp();
  }
  attach();

  /** @param {string} selector */
  const focus = (selector) => requestAnimationFrame(() => /** @type {HTMLElement | null | undefined} */ (bar?.querySelector(selector))?.focus());

  /** @type {Record<string, () => void>} */
  const SHOW = { subject: showSubject, preview: showPreview, reasons: showReasons, outcomes: showOutcomes, attended: showSteps };
  /** @param {any} data */
  function take(data) {
    Object.assign(told, data);
    for (const name of Object.keys(data)) SHOW[name]?.();
    if (data.labels && !choose.childElementCount) for (const [act, word] of Object.entries(data.labels)) choose.append(element("option", "", word, { value: act }));
    if (told.preview) choose.value = told.preview.act;
    const [asking = "", word = "", effect = ""] = told.asking || [], wish = told.focus || [0, ""];
    setText(question, asking ? `${word}? ${effect}` : "");
    // The question stands where the button stood: so does the focus, on the harmless answer.
    if (asking && asking !== asked) {
      const held = /** @type {HTMLElement | null} */ (document.activeElement);
      away = held && held !== document.body && !bar?.contains(held) ? held : null;
      focus(".pbx-cmd-keep");
    }
    if (!asking && asked) away?.isConnected ? away.focus() : focus(`.pbx-cmd-${asked}`);
    asked = asking;
    if (wish[0] > focused) focus(`.pbx-field-${wish[1]} :is(input, select, textarea)`);
    focused = wish[0];
    stamp();
  }

  return {
    /** @param {any} data */
    full(data) {
      told = {};
      focused = Math.max(focused, data.focus?.[0] || 0);
      take(data);
      for (const show of Object.values(SHOW)) show();
    },
    part: take,
    draw() {},
    tick() {},
    destroy() {
      watcher.disconnect();
      bar?.removeEventListener("pointerover", onLook);
      bar?.removeEventListener("focusin", onLook);
      bar?.removeEventListener("keydown", onKey);
    },
  };
}

export default definePanel(createNotes);
