/*
 * Alerts: where each rule stands (shape, word, colour), the log, and a beep when a level rises. Python judges.
 */
import { definePanel, duration, element, setText } from "../../ui/base.js";
import { LEVELS } from "../../ui/levels.js";
import { allowNotes, note } from "../../ui/notes.js";

/** A log entry in words. @param {any[]} entry */
export function entryText([at, rule, level, before, value]) {
  const verb = level === "ok" ? "is ok again" : before === "red" ? "is back to a warning" : `is a${level === "red" ? "n alarm" : " warning"}`;
  return `${at} ${rule} ${verb} (${value})`;
}

/** Two short tones, higher for an alarm. @param {AudioContext} context @param {number} rank 1 or 2 */
function beep(context, rank) {
  for (let i = 0; i < rank; i++) {
    const tone = context.createOscillator(), volume = context.createGain(), at = context.currentTime + i * 0.22;
    tone.frequency.value = rank > 1 ? 880 : 587;
    volume.gain.setValueAtTime(0.12, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.18);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.2);
  }
}

/** One for the page: browsers allow few. @type {AudioContext | null} */
let audio = null;

/** @param {any} view */
function createAlerts(view) {
  const { model, root, body } = view;
  /** @type {any} */
  const facts = { rules: [], log: [], beep: [0, 0], knows: true };
  /** @type {Map<number, Record<string, HTMLElement>>} */
  const parts = new Map();
  let beeped = -1;
  root.classList.add("pbx-alerts");
  const line = element("div", "pbx-alert-line"), list = element("ul", "pbx-alert-list", "", { "aria-label": "Alerts" });
  const sound = element("button", "pbx-chip pbx-sound", "", { type: "button" });
  const notify = element("button", "pbx-chip pbx-tools", "", { type: "button" });
  const log = element("details", "pbx-alert-log"), head = element("summary", "", "Log"), entries = element("ol");
  const unknown = element("p", "pbx-alert-unknown");
  log.append(head, entries);
  line.append(list, sound, notify);
  body.append(line, unknown, log);

  /** Whether the browser lets us play: only after somebody has used the page. */
  const allowed = () => !!(/** @type {any} */ (navigator).userActivation?.hasBeenActive || audio?.state === "running");

  function showSound() {
    const on = model.get("sound"), ready = allowed();
    setText(sound, !on ? "Sound off" : ready ? "Sound on" : "Press for sound");
    sound.setAttribute("aria-pressed", String(on && ready));
    sound.classList.toggle("pbx-tools", !on || ready); // nobody turns sound off on a wallboard, but somebody must allow it
  }
  sound.addEventListener("click", () => {
    const wasReady = audio?.state === "running", on = !(model.get("sound") && wasReady);
    audio = audio || new AudioContext();
    void audio.resume().then(showSound);
    if (on) beep(audio, 1);
    model.set("sound", on);
    model.save_changes();
    showSound();
  });

  function showNotify() {
    const on = model.get("notify"), may = globalThis.Notification?.permission;
    setText(notify, !on ? "Notifications off" : may === "granted" ? "Notifications on" : may === "default" ? "Press for notifications" : "Notifications are blocked by the browser");
    notify.setAttribute("aria-pressed", String(on && may === "granted"));
  }
  notify.addEventListener("click", async () => {
    const on = !model.get("notify") || globalThis.Notification?.permission === "default";
    model.set("notify", on);
    model.save_changes();
    if (on) await allowNotes();
    showNotify();
  });

  /** @param {number} at */
  function partOf(at) {
    let part = parts.get(at);
    if (!part) {
      const item = element("li", "pbx-alert"), level = element("span", "pbx-alert-level");
      part = { item, level, shape: element("span", "pbx-shape", "", { "aria-hidden": "true" }), name: element("bdi", "pbx-alert-name"), value: element("b", "pbx-num"), since: element("span", "pbx-num pbx-soft"), error: element("bdi", "pbx-alert-error"), silence: element("button", "pbx-button pbx-tools", "", { type: "button" }) };
      item.append(part.shape, part.name, part.value, level, part.since, part.error, part.silence);
      part.silence.addEventListener("click", () => view.send({ silence: facts.rules[at][0], on: !isSilent(facts.rules[at], view.now()) }));
      list.append(item);
      parts.set(at, part);
    }
    return part;
  }

  /** @param {any[]} rule @param {number} now */
  const isSilent = ([, , , , , until], now) => until !== null && until > now;

  /** @param {number} now */
  function showTimes(now) {
    facts.rules.forEach((/** @type {any[]} */ rule, /** @type {number} */ at) => {
      const [name, level, , error, since, until] = rule, part = partOf(at), silent = isSilent(rule, now);
      setText(part.since, level !== "ok" && !error && since !== null ? `for ${duration(now - since, true)}` : "");
      setText(part.silence, silent ? `Silent for ${duration(until - now, true)}` : "Silence");
      part.silence.setAttribute("aria-label", silent ? `${name} is silent: let it be heard` : `Silence ${name} for a while`);
      part.silence.setAttribute("aria-pressed", String(silent));
      part.silence.hidden = !silent && level === "ok";
    });
  }

  function showRules() {
    facts.rules.forEach((/** @type {any[]} */ [name, level, value, error], /** @type {number} */ at) => {
      const part = partOf(at), [shape, word, tone] = LEVELS[error ? "error" : level];
      Object.assign(part.item.dataset, { alert: name, level: error ? "error" : level, tone });
      setText(part.shape, shape);
      setText(part.name, name);
      setText(part.value, error ? "" : value);
      setText(part.level, word);
      setText(part.error, error);
    });
    root.toggleAttribute("data-unknown", !facts.knows);
    setText(unknown, facts.knows ? "" : "The line is down: the levels stand as they were when it was last up.");
    showTimes(view.now());
  }

  function showLog() {
    setText(head, facts.log.length ? `Log (${facts.log.length}), ${facts.zone} · ${entryText(facts.log[facts.log.length - 1])}` : "Log (nothing yet)");
    entries.replaceChildren(...[...facts.log].reverse().map((entry) => element("li", "", entryText(entry), { dir: "auto", "data-level": entry[2] })));
  }

  /** @param {any} data @param {boolean} fresh */
  function take(data, fresh) {
    Object.assign(facts, data);
    if (data.rules) showRules();
    if (data.log) {
      showLog();
      const last = facts.log[facts.log.length - 1];
      if (fresh && last) view.announce(entryText(last));
    }
    const [count, rank] = facts.beep;
    // What was raised before anybody looked is shown, not sounded.
    if (fresh && beeped >= 0 && count > beeped) {
      if (model.get("sound") && allowed()) beep((audio = audio || new AudioContext()), rank);
      if (model.get("notify")) note(entryText(facts.log[facts.log.length - 1]), "pbxnb-alert");
    }
    beeped = count;
  }

  document.addEventListener("pointerdown", showSound);
  document.addEventListener("keydown", showSound);
  model.on("change:sound", showSound);
  model.on("change:notify", showNotify);
  showSound();
  showNotify();

  return {
    full: (/** @type {any} */ data) => take(data, false),
    part: (/** @type {any} */ data) => take(data, true),
    draw() {},
    tick: showTimes,
    destroy() {
      document.removeEventListener("pointerdown", showSound);
      document.removeEventListener("keydown", showSound);
      model.off("change:sound", showSound);
      model.off("change:notify", showNotify);
    },
  };
}

export default definePanel(createAlerts);
