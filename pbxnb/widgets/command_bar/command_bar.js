/*
 * The command bar: buttons and fields, the question in place of the button that asks, what will be sent, why not, how it
 * went, the steps of an attended transfer. Sends what was pressed; what it means is decided in Python.
 */
import { definePanel, element, setText } from "../../ui/base.js";
import { copyText } from "../../ui/clipboard.js";
import { chosenOf, entriesOf, hiddenNow, mergeFacts, moveTo, reasonsOf, tipOf, wordOf } from "./bar_state.js";

const LANGUAGES = [["json", "JSON"], ["python", "Python"], ["javascript", "JavaScript"]];
const STATE_SHAPES = /** @type {Record<string, string>} */ ({ ringing: "◔", connected: "●", held: "❚❚", parked: "▣", other: "·" });
const ROW_WORDS = ["Commands on the call", "Commands with a target", "More commands"];
const DANGER = ["hangup", "reject", "confirm"];

/** @type {Record<string, string>} */
const FIELD_WORDS = { to: "Number or extension", text: "Chat message", frame: "Free frame, JSON", picked: "Call", orbit: "Orbit", queue: "Queue", when: "Which calls to forward" };
/** @type {Record<string, string>} */
const PLACEHOLDERS = { to: "Number or extension", text: "Message", frame: '{"action": "get-calls"}' };

/** @param {any} view */
function createBar(view) {
  const { root, body, model } = view;
  /** @type {Record<string, any>} */
  const state = {};
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  /** @type {Map<string, HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>} */
  const fields = new Map();
  /** @type {HTMLElement | null} where the focus was when a key elsewhere led to a question */
  let away = null;
  /** @type {[string, () => void][]} */
  const followed = [];
  let previewed = "", questioned = "", focused = 0, open = false;

  const subject = element("div", "pbx-subject", "", { role: "status" });
  const arm = button("", "pbx-arm");
  arm.addEventListener("click", () => arm.getAttribute("aria-disabled") !== "true" && put("armed", !model.get("armed")));
  const rows = ROW_WORDS.map((word) => element("div", "pbx-cmd-row", "", { role: "toolbar", "aria-label": word }));
  const commands = element("div", "pbx-cmds");
  commands.append(rows[0], rows[1]);
  const more = button("More", "pbx-more", { "aria-expanded": "false" });
  more.addEventListener("click", () => showMore(!open));
  const keep = button("No", "pbx-cmd", { "data-command": "keep" }), confirm = button("", "pbx-cmd pbx-danger", { "data-command": "confirm" });
  keep.addEventListener("click", () => view.send({ answer: false }));
  confirm.addEventListener("click", () => view.send({ answer: true }));

  const steps = element("ol", "pbx-steps", "", { "aria-label": "Attended transfer" });
  const sends = element("div", "pbx-sends"), label = element("label", "pbx-soft", "What will be sent ");
  const choose = /** @type {HTMLSelectElement} */ (element("select", "", "", { "aria-label": "Command to show" }));
  const language = /** @type {HTMLSelectElement} */ (element("select", "", "", { "aria-label": "Language to show it in" }));
  const code = element("code", "pbx-code", "", { tabindex: "0", "aria-label": "What will be sent" });
  const copy = button("Copy", "pbx-button");
  choose.addEventListener("change", () => preview(choose.value));
  for (const [name, word] of LANGUAGES) language.append(element("option", "", word, { value: name }));
  language.addEventListener("change", () => showPreview());
  copy.addEventListener("click", async () => view.announce(await copyText(code.textContent || "", code)));
  label.append(choose);
  sends.append(label, language, copy, code);
  const why = /** @type {HTMLDetailsElement} */ (element("details", "pbx-why"));
  const whyList = element("ul"), whyHead = element("summary", "", "Why not?");
  why.append(whyHead, whyList);
  const about = element("span", "pbx-about pbx-soft"), foot = element("div", "pbx-foot");
  foot.append(about, why);
  const outcomes = element("ul", "pbx-outcomes", "", { "aria-live": "polite", "aria-label": "Outcomes" });
  // What the button under the pointer or the focus would send, or why it cannot be pressed, on one line; the whole is in `sends`.
  const glance = element("span", "pbx-glance", "", { "aria-hidden": "true" }), side = element("div", "pbx-side");
  side.append(glance, outcomes);
  const rest = element("div", "pbx-rest");
  rest.append(rows[2], sends, foot);
  const question = element("div", "pbx-question", "", { role: "alert", dir: "auto" });
  body.append(subject, commands, question, side, more, arm, steps, rest);

  /** @param {string} word @param {string} classes @param {Record<string, string>} [attributes] */
  function button(word, classes, attributes = {}) {
    return /** @type {HTMLButtonElement} */ (element("button", classes, word, { type: "button", ...attributes }));
  }

  /** Call `fn` when a trait changes, while this view lives. @param {string} trait @param {() => void} fn */
  function follow(trait, fn) {
    followed.push([trait, fn]);
    model.on(`change:${trait}`, fn);
  }

  /** @param {string} trait @param {any} value */
  function put(trait, value) {
    if (model.get(trait) === value) return;
    model.set(trait, value);
    model.save_changes();
  }

  /** @param {string} name */
  function preview(name) {
    if (!buttons.has(name) || name === previewed) return;
    previewed = name;
    showGlance();
    view.send({ preview: name });
  }

  function showGlance() {
    const { name, problem, json = "" } = state.preview || {};
    setText(glance, state.why?.[previewed] || (name === previewed ? problem || json.replaceAll("\n", " · ") : ""));
  }

  /** Show everything, or only what makes sense now. @param {boolean} shown */
  function showMore(shown) {
    open = shown;
    rest.hidden = !shown;
    root.toggleAttribute("data-open", shown);
    more.setAttribute("aria-expanded", String(shown));
    showSight();
  }

  /** What has the focus, or is on its way, stays in sight: a key must not lose its place to the state of a call. */
  function showSight() {
    for (const [name, made] of buttons) {
      const stays = open || state.sight.includes(name) || made === document.activeElement || !!state.busy?.includes(name);
      made.hidden = !stays || hiddenNow(state, name) || name === state.question?.[0];
    }
    for (const [name, field] of fields) field.hidden = !(open || state.sight.includes(`:${name}`) || field === document.activeElement);
    for (const row of rows) roam(row);
  }

  /** @param {string} name */
  function makeButton(name) {
    const made = button("", "pbx-cmd", { "data-command": name, tabindex: "-1" });
    made.classList.toggle("pbx-danger", DANGER.includes(name));
    made.addEventListener("click", () => {
      // One that cannot be pressed says why: its reason stands where the preview does.
      if (made.getAttribute("aria-disabled") !== "true") view.send({ press: name });
      else if (state.about[name] === "target" && !state.target) reach("to");
      else view.announce(tipOf(state, name));
      preview(name);
    });
    buttons.set(name, made);
    return made;
  }

  /** @param {string} name */
  function makeField(name) {
    const kind = name === "frame" ? "textarea" : name === "to" || name === "text" ? "input" : "select";
    const words = { "aria-label": FIELD_WORDS[name] || name, ...(PLACEHOLDERS[name] ? { placeholder: PLACEHOLDERS[name] } : {}) };
    const made = /** @type {HTMLInputElement} */ (element(kind, `pbx-field pbx-field-${name}`, "", { dir: "auto", ...words }));
    if (kind === "textarea") made.setAttribute("rows", "1");
    made.addEventListener(kind === "select" ? "change" : "input", () => put(name, made.value));
    follow(name, () => showField(name));
    fields.set(name, made);
    showField(name);
    return made;
  }

  /** @param {string} name */
  function showField(name) {
    const field = fields.get(name);
    if (!field) return;
    const value = model.get(name) || "";
    if (!(field instanceof HTMLSelectElement)) {
      if (field.value !== value) field.value = value;
      return;
    }
    const entries = entriesOf(state, name), there = field.options;
    entries.forEach(([key, text], at) => {
      const option = there[at] || field.appendChild(element("option"));
      if (option.value !== key) option.setAttribute("value", key);
      setText(option, text);
    });
    while (there.length > entries.length) there[there.length - 1].remove();
    const chosen = chosenOf(entries, value);
    if (field.value !== chosen) field.value = chosen;
  }

  /** Make the rows, once: what they hold does not change. */
  function build() {
    state.rows.forEach((/** @type {string[]} */ names, /** @type {number} */ at) => {
      for (const name of names) {
        if (!name.startsWith(":")) rows[at].append(makeButton(name));
        else if (name !== ":picked" || state.own) rows[at].append(makeField(name.slice(1)));
      }
    });
    for (const [name, word] of Object.entries(state.labels)) choose.append(element("option", "", word, { value: name }));
  }

  function showButtons() {
    for (const [name, made] of buttons) {
      const tip = tipOf(state, name), disabled = String(!!state.why?.[name]);
      setText(made, wordOf(state, name));
      if (made.getAttribute("aria-disabled") !== disabled) made.setAttribute("aria-disabled", disabled);
      made.toggleAttribute("aria-busy", !!state.busy?.includes(name));
      if (made.title === tip) continue;
      made.title = tip;
      if (tip) made.setAttribute("aria-description", tip);
      else made.removeAttribute("aria-description");
    }
    showSight();
  }

  /** One tab stop a row: the button that has the focus, or had it, or the first that can be pressed. @param {HTMLElement} row @param {Element | null} [to] */
  function roam(row, to = null) {
    const all = /** @type {HTMLElement[]} */ ([...row.querySelectorAll(".pbx-cmd:not([hidden])")]);
    const stop = to || all.find((one) => one === document.activeElement) || all.find((one) => one.tabIndex === 0 && one.getAttribute("aria-disabled") !== "true")
      || all.find((one) => one.getAttribute("aria-disabled") !== "true") || all[0];
    for (const one of all) one.tabIndex = one === stop || one === keep || one === confirm ? 0 : -1;
  }

  function showArm() {
    const armed = !!model.get("armed"), locked = state.locked || "";
    setText(arm, armed ? "Armed" : "Not armed");
    arm.setAttribute("aria-pressed", String(armed));
    arm.setAttribute("aria-disabled", String(!!locked));
    arm.title = locked;
    root.toggleAttribute("data-armed", armed);
  }

  function showSubject() {
    const [now, from, to] = state.subject || ["", "No call selected", ""];
    subject.dataset.state = now || "other";
    root.toggleAttribute("data-call", !!now);
    const shape = element("span", "pbx-shape", STATE_SHAPES[now] || "", { "aria-hidden": "true" }), words = element("b");
    words.append(element("bdi", "", from));
    if (to) words.append(" → ", element("bdi", "", to));
    if (now) words.append(" ", element("span", "pbx-soft", now));
    words.title = words.textContent || "";
    subject.replaceChildren(...(now ? [shape] : []), words);
  }

  function showPreview() {
    const { name = "", problem = "", effect = "", certainty = "", assumption = "", ...texts } = state.preview || {};
    choose.value = name;
    showGlance();
    setText(code, problem || texts[language.value] || "");
    code.toggleAttribute("data-problem", !!problem);
    setText(about, problem ? "" : [effect, certainty && `Certainty ${certainty}.`, assumption].filter(Boolean).join(" "));
  }

  function showReasons() {
    const { head, lines } = reasonsOf(state);
    why.hidden = !lines.length;
    setText(whyHead, head);
    whyList.replaceChildren(...lines.map(([word, reason]) => {
      const item = element("li");
      if (word) item.append(element("b", "", `${word}: `));
      item.append(reason);
      return item;
    }));
  }

  function showOutcomes() {
    outcomes.replaceChildren(...(state.outcomes || []).map((/** @type {string[]} */ [mark, text]) => element("li", "", `${mark} ${text}`, { "data-mark": mark, dir: "auto", title: text })));
  }

  function showSteps() {
    const flow = state.attended;
    steps.hidden = !flow;
    if (!flow) return;
    const items = flow.steps.map((/** @type {string} */ word, /** @type {number} */ at) => element("li", "", word, at === flow.at ? { "aria-current": "step" } : at < flow.at ? { "data-done": "" } : {}));
    const lines = element("li", "pbx-two");
    flow.lines.forEach((/** @type {string} */ line, /** @type {number} */ at) => lines.append(element("span", "", `${at + 1}. ${line}`, { dir: "auto" })));
    steps.replaceChildren(...items, lines, ...(flow.over ? [element("li", "pbx-over", flow.over, { dir: "auto" })] : []));
  }

  /** A question stands in the place of its button, "No" first, so that a double click does not say yes. */
  function showQuestion() {
    const [name = "", words = "", effect = ""] = state.question || [];
    setText(question, name ? `${words}? ${effect}` : "");
    if (name === questioned) return;
    if (name) {
      const held = /** @type {HTMLElement | null} */ (document.activeElement);
      if (!questioned) away = held && held !== document.body && !root.contains(held) ? held : null;
      setText(confirm, `Yes, ${state.labels[name].toLowerCase()}`);
      confirm.title = effect;
      buttons.get(name)?.before(keep, confirm);
      if (rest.contains(keep)) showMore(true);
      focus(keep);
    } else {
      keep.remove();
      confirm.remove();
      focus(away?.isConnected ? away : buttons.get(questioned));
    }
    questioned = name;
  }

  /** @param {HTMLElement | undefined | null} target */
  const focus = (target) => requestAnimationFrame(() => target?.focus());

  function showFocus() {
    const [count, name] = state.focus || [0, ""];
    if (count > focused) reach(name);
    focused = count;
  }

  /** Bring a field in sight and give it the focus. @param {string} name */
  function reach(name) {
    if (!fields.get(name)?.offsetParent) showMore(true);
    focus(fields.get(name));
  }

  const onPoint = (/** @type {Event} */ event) => preview(/** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest?.("[data-command]"))?.dataset.command || "");
  body.addEventListener("pointerover", onPoint);
  body.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
    onPoint(event);
    const made = /** @type {Element} */ (event.target), row = made.closest(".pbx-cmd-row");
    if (row instanceof HTMLElement && made.classList.contains("pbx-cmd")) roam(row, made);
  });
  body.addEventListener("focusout", () => requestAnimationFrame(showSight));
  body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const held = /** @type {Element} */ (event.target), row = held.closest(".pbx-cmd-row");
    if (event.key === "Escape" && questioned) keep.click();
    else if (event.key === "Escape" && open) {
      showMore(false);
      more.focus();
    }
    else if (row && held.classList.contains("pbx-cmd") && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const all = /** @type {HTMLElement[]} */ ([...row.querySelectorAll(".pbx-cmd:not([hidden])")]);
      const to = moveTo(event.key, all.indexOf(/** @type {HTMLElement} */ (held)), all.length, getComputedStyle(root).direction === "rtl");
      if (to < 0) return;
      all[to].focus();
    } else return;
    event.preventDefault();
  });
  /** A wallboard takes no commands: none is in its page. */
  function onWallboard() {
    const wall = !!model.get("wallboard");
    root.classList.toggle("pbx-command-bar", !wall);
    if (wall) body.remove();
    else if (body.parentNode !== root) root.insertBefore(body, root.lastElementChild);
  }
  follow("armed", showArm);
  follow("wallboard", onWallboard);
  onWallboard();

  const PARTS = /** @type {[string[], () => void][]} */ ([
    [["subject"], showSubject],
    [["why", "sight", "words", "busy", "target", "account", "attended", "question"], showButtons],
    [["why", "attended"], showReasons],
    [["preview", "why"], showPreview],
    [["outcomes"], showOutcomes],
    [["attended"], showSteps],
    [["locked"], showArm],
    [["calls"], () => showField("picked")],
    [["orbits"], () => showField("orbit")],
    [["queues"], () => showField("queue")],
    [["question"], showQuestion],
    [["focus"], showFocus],
  ]);

  return {
    /** @param {any} data */
    full(data) {
      for (const name of Object.keys(state)) delete state[name];
      Object.assign(state, data);
      focused = Math.max(focused, data.focus?.[0] || 0);
      if (!buttons.size) {
        build();
        showMore(false);
      }
      for (const [, show] of PARTS) show();
      for (const name of fields.keys()) showField(name);
    },
    /** @param {any} data */
    part(data) {
      mergeFacts(state, data);
      for (const [names, show] of PARTS) if (names.some((name) => name in data)) show();
    },
    draw() {},
    tick() {},
    destroy() {
      for (const [trait, fn] of followed) model.off(`change:${trait}`, fn);
    },
  };
}

export default definePanel(createBar);
