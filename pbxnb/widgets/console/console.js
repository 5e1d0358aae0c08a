/*
 * The console in the page: filters, the running lines, one frame explained, and why a tile looks as it does.
 */
import { definePanel, element, setText } from "../../ui/base.js";
import { copyText } from "../../ui/clipboard.js";
import { inLanguages } from "./code_text.js";

const KEEP = 300;
const ARROWS = /** @type {Record<string, string>} */ ({ in: "←", out: "→" });
const COPIES = /** @type {const} */ (["json", "python", "javascript"]);

/** @param {any} view */
function createConsole(view) {
  const { model, root, body } = view;
  let current = 0, opened = 0, follow = true, skipped = 0, zone = "";
  /** @type {any[][]} */
  let waiting = [];
  root.classList.add("pbx-console");

  /** @param {string} trait @param {any} value */
  function put(trait, value) {
    model.set(trait, value);
    model.save_changes();
  }
  const bar = element("div", "pbx-bar", "", { role: "toolbar", "aria-label": "Filters" });
  const pause = element("button", "pbx-button", "Pause", { type: "button", "aria-pressed": "false" });
  pause.addEventListener("click", () => put("paused", !model.get("paused")));
  /** @param {string} label @param {string[][]} options */
  const menu = (label, options) => {
    const made = /** @type {HTMLSelectElement} */ (element("select", "", "", { "aria-label": label }));
    for (const [value, text] of options) made.append(element("option", "", text, { value }));
    return made;
  };
  const direction = menu("Direction", [["", "both ways"], ["in", "← from the PBX"], ["out", "→ to the PBX"]]);
  direction.addEventListener("change", () => put("direction", direction.value));
  const kind = menu("Kind of message", [["", "all kinds"]]);
  kind.addEventListener("change", () => put("kinds", kind.value ? [kind.value] : []));
  bar.append(pause, direction, kind);
  /** @type {Record<string, HTMLInputElement>} */
  const fields = {};
  for (const [trait, placeholder] of [["account", "account"], ["call", "call id"], ["filter", "search in the text"]]) {
    const field = /** @type {HTMLInputElement} */ (element("input", `pbx-con-${trait}`, "", { type: "search", placeholder, "aria-label": placeholder, maxlength: "200" }));
    field.addEventListener("change", () => put(trait, field.value));
    fields[trait] = field;
    bar.append(field);
  }
  const ask = element("div", "pbx-con-ask"), who = /** @type {HTMLInputElement} */ (element("input", "", "", { placeholder: "extension", "aria-label": "Extension to explain", maxlength: "60" }));
  const explain = element("button", "pbx-button", "Why is it so?", { type: "button" });
  const askWhy = () => who.value.trim() && view.send({ why: who.value.trim() });
  explain.addEventListener("click", askWhy);
  who.addEventListener("keydown", (event) => event.key === "Enter" && askWhy());
  ask.append(who, explain);
  bar.append(element("span", "pbx-grow"), ask);
  const lines = element("div", "pbx-con-lines", "", { role: "listbox", "aria-label": "Messages", tabindex: "0" });
  const state = element("p", "pbx-con-state pbx-soft");
  const detail = element("section", "pbx-detail", "", { "aria-label": "One message explained" });
  const reasons = element("section", "pbx-detail", "", { "aria-label": "Why" });
  detail.hidden = reasons.hidden = true;
  body.append(bar, reasons, lines, state, detail);

  /** @param {any[]} facts */
  function addLine([seq, way, at, name, size, text]) {
    const row = element("div", "pbx-con-line", "", { role: "option", id: `${view.uid}-${seq}`, "data-seq": String(seq), "data-way": way, "aria-selected": String(seq === opened) });
    row.append(
      element("span", "pbx-num pbx-soft", at), element("span", "pbx-way", ARROWS[way] || "", { title: way === "in" ? "from the PBX" : "to the PBX" }),
      element("b", "pbx-con-kind", name, { dir: "auto" }), element("span", "pbx-con-text", text, { dir: "ltr" }), element("span", "pbx-num pbx-soft", `${size} B`),
    );
    lines.append(row);
  }

  function showState() {
    const paused = model.get("paused");
    pause.setAttribute("aria-pressed", String(paused));
    setText(pause, paused ? "Go on" : "Pause");
    direction.value = model.get("direction");
    kind.value = model.get("kinds").length === 1 ? model.get("kinds")[0] : "";
    for (const [trait, field] of Object.entries(fields)) if (document.activeElement !== field) field.value = model.get(trait);
    const said = [zone && `Shown: ${zone}, as frames passed here.`, paused ? "Paused; frames are kept." : follow ? "" : "Scrolled up: the newest are below.", skipped ? `At least ${skipped} came too fast to be shown; search finds them.` : ""];
    setText(state, said.filter(Boolean).join(" "));
  }

  function trim() {
    while (lines.childElementCount > KEEP) lines.firstElementChild?.remove();
    if (follow) lines.scrollTop = lines.scrollHeight;
  }

  /** @param {HTMLElement} section @param {string} title @param {string} name */
  function begin(section, title, name) {
    section.hidden = false;
    const close = element("button", "pbx-button", "Close", { type: "button" }), head = element("div", "pbx-bar");
    close.addEventListener("click", () => {
      section.hidden = true;
      view.send({ close: name });
      lines.focus();
    });
    head.append(element("h4", "", title, { dir: "auto" }), element("span", "pbx-grow"), close);
    section.replaceChildren(head);
    return head;
  }

  /** @param {string[]} names @param {(string | HTMLElement)[][]} rows @param {(row: HTMLElement, at: number) => void} [mark] */
  function tableOf(names, rows, mark) {
    const made = element("table", "pbx-fields"), top = element("tr"), inner = element("tbody"), head = element("thead");
    for (const name of names) top.append(element("th", "", name, { scope: "col" }));
    rows.forEach((cells, at) => {
      const row = element("tr");
      for (const cell of cells) {
        const box = element("td", "", "", { dir: "auto" });
        box.append(cell);
        row.append(box);
      }
      mark?.(row, at);
      inner.append(row);
    });
    head.append(top);
    made.append(head, inner);
    return made;
  }

  /** @param {any} facts */
  function showDetail(facts) {
    if (!facts) return void (detail.hidden = true);
    if (facts.gone) return void begin(detail, `Frame ${facts.gone} is no longer kept.`, "detail");
    const [seq, way, at, name] = facts.line;
    opened = seq;
    for (const row of lines.children) row.setAttribute("aria-selected", String(Number(/** @type {HTMLElement} */ (row).dataset.seq) === seq));
    const head = begin(detail, `${ARROWS[way]} ${name}, frame ${seq} at ${at}`, "detail");
    const texts = inLanguages(facts.text, way), code = element("pre", "pbx-con-json", texts.json, { dir: "ltr", tabindex: "0", "aria-label": "The frame as JSON" });
    for (const language of COPIES) {
      const copy = element("button", "pbx-button", `Copy ${{ json: "JSON", python: "Python", javascript: "JavaScript" }[language]}`, { type: "button", "data-copy": language });
      copy.addEventListener("click", async () => {
        setText(code, texts[language]);
        view.announce(await copyText(texts[language], code));
      });
      head.insertBefore(copy, head.lastChild);
    }
    const known = facts.meaning ? `${facts.meaning} Certainty ${facts.grade}, protocol ${facts.section}.` : "Not in the register of messages.";
    const rows = facts.rows.map((/** @type {string[]} */ [path, value, meaning, unit, grade, section]) => [path, value, meaning ? `${meaning}${unit ? ` Unit: ${unit}.` : ""}` : "unknown field", grade, section]);
    const fieldTable = tableOf(["Field", "Value", "Meaning", "Certainty", "Section"], rows, (row, i) => row.toggleAttribute("data-unknown", !facts.rows[i][2]));
    fieldTable.toggleAttribute("data-values", true);
    detail.append(element("p", facts.meaning ? "" : "pbx-unknown", facts.reason || known), fieldTable);
    if (facts.more) detail.append(element("p", "pbx-soft", "More fields follow; the frame below has them all."));
    if (facts.cut) detail.append(element("p", "pbx-soft", "The frame is longer than what is shown here."));
    detail.append(code);
    detail.scrollIntoView({ block: "nearest" });
  }

  /** @param {any} facts */
  function showWhy(facts) {
    if (!facts) return void (reasons.hidden = true);
    begin(reasons, facts.state ? `Why is ${facts.number} ${facts.name} ${facts.state}?` : `There is no account ${facts.number}.`, "why");
    const rows = facts.rows.map((/** @type {any[]} */ [axis, sentence, source, seq, inferred, note, at]) => {
      const frame = seq ? element("button", "pbx-button", `frame ${seq}`, { type: "button" }) : element("span", "pbx-soft", "no frame");
      if (seq) frame.addEventListener("click", () => view.send({ show: seq }));
      return [axis, `${sentence}${inferred ? " (concluded)" : ""}`, note, source, at, frame];
    });
    if (facts.state) reasons.append(rows.length ? tableOf(["What", "Rule", "It saw", "Source", "Received", "Frame"], rows) : element("p", "", "Nothing has been said of it yet: it is as the first snapshot left it."));
    reasons.scrollIntoView({ block: "nearest" });
  }

  lines.addEventListener("scroll", () => {
    const now = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 24;
    if (now === follow) return;
    follow = now;
    showState();
  });
  lines.addEventListener("click", (event) => {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".pbx-con-line"));
    if (row) setCurrent(row, true);
  });
  /** @param {HTMLElement} row @param {boolean} open */
  function setCurrent(row, open) {
    lines.querySelector("[data-current]")?.removeAttribute("data-current");
    row.toggleAttribute("data-current", true);
    lines.setAttribute("aria-activedescendant", row.id);
    current = Number(row.dataset.seq);
    row.scrollIntoView({ block: "nearest" });
    if (open) view.send({ show: current });
  }
  lines.addEventListener("keydown", (event) => {
    const all = /** @type {HTMLElement[]} */ ([...lines.children]), at = all.findIndex((row) => Number(row.dataset.seq) === current), last = all.length - 1;
    const moves = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowUp: at < 0 ? last : at - 1, Home: 0, End: last, PageDown: at + 10, PageUp: at - 10 });
    if (event.key in moves && last >= 0) setCurrent(all[Math.min(last, Math.max(0, moves[event.key]))], false);
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) setCurrent(all[at], true);
    else if (event.key === "/") fields.filter.focus();
    else return;
    event.preventDefault();
  });

  const traits = ["direction", "kinds", "account", "call", "filter", "paused"];
  for (const trait of traits) model.on(`change:${trait}`, showState);

  /** @param {any} data */
  function take(data) {
    if (data.lines) {
      lines.replaceChildren();
      waiting = data.lines;
      skipped = 0;
    }
    if (data.more) {
      // Nothing is drawn into a view that somebody stopped.
      if (!model.get("paused")) waiting.push(...data.more);
      skipped += data.skipped || 0;
    }
    if (waiting.length > KEEP) waiting = waiting.slice(-KEEP);
    if ("detail" in data) showDetail(data.detail);
    if ("why" in data) showWhy(data.why);
  }

  return {
    /** @param {any} data */
    full(data) {
      zone = data.zone;
      if (kind.childElementCount === 1) for (const name of data.known) kind.append(element("option", "", name, { value: name }));
      take(data);
    },
    part: take,
    draw() {
      for (const one of waiting) addLine(one);
      waiting = [];
      trim();
      showState();
    },
    tick() {},
    destroy() {
      for (const trait of traits) model.off(`change:${trait}`, showState);
    },
  };
}

export default definePanel(createConsole);
