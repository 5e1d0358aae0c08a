/*
 * The softphone on the screen: who is on the line, meters, a number, buttons, keys, devices. It shows what the kernel says of the
 * calls and what this page knows of their sound; it owns neither (page_phone.js does).
 */
import { definePanel, duration, element, setText } from "../../ui/base.js";
import { allowAttention } from "./attention.js";
import { listDevices, lookAtMicrophone, openMicrophone, wayOut } from "./microphone.js";
import { phoneOf, thisPage } from "./page_phone.js";

const KEYS = "123456789*0#";
const LETTERS = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""];
/** Buttons that share a place: the first one that can be pressed is shown, else the first. */
const PLACES = [["answer", "dial"], ["reject", "hangup"], ["resume", "hold"], ["unmute", "mute"], ["transfer"]];
const LABELS = /** @type {Record<string, string>} */ ({
  answer: "Answer", dial: "Call", reject: "Reject", hangup: "Hang up", resume: "Resume", hold: "Hold", unmute: "Unmute", mute: "Mute",
  transfer: "Transfer", complete: "Connect both", park: "Park", takeover: "Take over", sound: "Enable sound", test: "Test microphone",
});
/** They need the sound of this page. */
const SOUNDING = ["answer", "dial", "dtmf"];
const SHAPES = /** @type {Record<string, string>} */ ({
  idle: "○", dialling: "◌", early: "◌", ringing: "◔", connecting: "●", talking: "●", held_here: "❚❚", held_there: "❚❚", held_both: "❚❚", ending: "○",
});
const TONES = /** @type {Record<string, string>} */ ({
  early: "dialling", connecting: "busy", talking: "busy", held_here: "held", held_there: "held", held_both: "held", ending: "idle",
});
const QUIETEST = -60; // dB: the left end of a meter
const LOOK_EVERY = 100; // ms

/** Which button of a place is shown. @param {string[]} place @param {Record<string, string>} why */
export function shownOf(place, why) {
  return place.find((name) => !why[name]) || place[place.length - 1];
}

/** How far a meter goes, percent. @param {number} level dB */
export function percent(level) {
  return Math.round(Math.max(0, Math.min(1, 1 - level / QUIETEST)) * 100);
}

/** Why a button cannot be pressed in this page. @param {any} facts @param {string} name @param {boolean} mine */
export function whyNot(facts, name, mine) {
  return facts.why?.[name] || (mine || !SOUNDING.includes(name) ? "" : facts.owner ? "The phone is in use in another tab." : "This page is asking for the phone.");
}

/** How the phone stands with the PBX. @param {any} facts */
export function statusText({ account, status, protected: safe }) {
  return `${account} ${status}${safe ? "" : " · not protected"}`;
}

/** @param {any} view */
function createPhone(view) {
  const { root, body, model } = view, page = thisPage(), phone = phoneOf(model.get("phone"));
  /** @type {any} */
  let facts = {};
  let microphone = "asking";
  let stopTest = /** @type {null | (() => void)} */ (null);
  root.classList.add("pbx-softphone");
  const box = element("div", "pbx-phone", "", { "data-phone": "idle" });
  body.append(box);

  /** @param {HTMLElement} into @param {string} tag @param {string} name @param {string} [text] @param {Record<string, string>} [attributes] */
  const put = (into, tag, name, text = "", attributes = {}) => into.appendChild(element(tag, name, text, attributes));
  /** @param {HTMLElement} into @param {string} name @param {() => void} act */
  const command = (into, name, act) => {
    const made = /** @type {HTMLButtonElement} */ (put(into, "button", "pbx-button pbx-cmd", LABELS[name], { type: "button", "data-command": name }));
    made.addEventListener("click", () => {
      page.sound.enable();
      allowAttention();
      if (made.getAttribute("aria-disabled") === "true") view.announce(made.title);
      else act();
    });
    buttons.set(name, [...(buttons.get(name) || []), made]);
    return made;
  };
  /** @type {Map<string, HTMLElement[]>} */
  const buttons = new Map();
  const press = (/** @type {string} */ name, to = "", leg = facts.current?.leg || 0) => view.send({ press: name, leg, to });

  const head = put(box, "div", "pbx-head");
  const shape = put(head, "span", "pbx-shape", "", { "aria-hidden": "true" });
  const who = put(head, "bdi", "pbx-who"), word = put(head, "span", "pbx-word"), time = put(head, "span", "pbx-num pbx-time", "", { role: "timer" });
  const red = put(head, "span", "pbx-red", "● Recorded"), line = put(head, "span", "pbx-soft pbx-line");

  const meters = put(box, "div", "pbx-meters");
  const meter = (/** @type {string} */ label) => {
    const place = put(meters, "label", "pbx-meter", label);
    return put(put(place, "span", "pbx-track", "", { role: "meter", "aria-label": `${label}: loudness`, "aria-valuemin": "0", "aria-valuemax": "100" }), "i", "");
  };
  const mine = meter("You"), theirs = meter("Them"), quality = put(meters, "span", "pbx-soft pbx-quality");

  const dial = put(box, "div", "pbx-row");
  const to = /** @type {HTMLInputElement} */ (put(dial, "input", "pbx-to", "", { "data-phone-to": "", "aria-label": "Number", placeholder: "Number", autocomplete: "off", dir: "auto" }));
  to.addEventListener("input", () => {
    model.set("to", to.value);
    model.save_changes();
  });
  to.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    page.sound.enable();
    press("dial", to.value);
  });
  const tools = put(box, "div", "pbx-row");
  PLACES.forEach((place, at) => {
    for (const name of place) command(at < 2 ? dial : tools, name, () => press(name, name === "dial" || name === "transfer" ? to.value : ""));
  });
  const orbit = /** @type {HTMLSelectElement} */ (put(tools, "select", "pbx-orbit", "", { "aria-label": "Orbit to park in" }));
  command(tools, "park", () => press("park", orbit.value));

  const notes = put(box, "div", "pbx-notes"), said = put(notes, "span", "pbx-said", "", { role: "status", dir: "auto" });
  const second = put(notes, "span", "pbx-second", "", { "data-second": "" }), other = put(second, "bdi", "");
  for (const name of ["answer", "reject", "resume"]) command(second, name, () => press(name, "", facts.second.leg));
  command(second, "complete", () => press("complete"));

  const sound = put(box, "div", "pbx-row pbx-sound");
  command(sound, "sound", () => page.sound.enable());
  command(sound, "takeover", () => view.send({ takeover: page.page }));
  const way = put(sound, "span", "pbx-way", "", { "data-microphone": "asking", dir: "auto" });

  const more = put(box, "details", "pbx-more");
  put(more, "summary", "pbx-soft", "Devices and test");
  const devices = put(more, "div", "pbx-row");
  /** @param {string} label @param {(id: string) => void} choose */
  const choice = (label, choose) => {
    const made = /** @type {HTMLSelectElement} */ (put(put(devices, "label", "", label), "select", ""));
    made.addEventListener("change", () => choose(made.value));
    return made;
  };
  const input = choice("Microphone", (id) => {
    page.devices.listenOnly = id === "none";
    page.devices.input = id === "none" ? "" : id;
    phone.connections.forEach((one) => one.useMicrophone());
  });
  const output = choice("Calls", (id) => page.sound.choose("call", id)), ring = choice("Ring", (id) => page.sound.choose("ring", id));
  const clean = /** @type {HTMLInputElement} */ (element("input", "", "", { type: "checkbox" }));
  put(devices, "label", "", "").append(clean, " Reduce noise and echo");
  clean.checked = page.devices.processed;
  clean.addEventListener("change", () => {
    page.devices.processed = clean.checked;
    phone.connections.forEach((one) => one.useMicrophone());
  });
  command(devices, "test", test);
  more.addEventListener("toggle", showDevices);

  const pad = put(box, "div", "pbx-pad", "", { role: "group", tabindex: "0", "aria-label": "Keys: type digits" });
  [...KEYS].forEach((key, at) => {
    const made = put(pad, "button", "pbx-key", key, { type: "button", tabindex: "-1", "data-digit": key });
    put(made, "small", "", LETTERS[at], { "aria-hidden": "true" });
    made.addEventListener("click", () => type(key));
  });
  box.addEventListener("keydown", (event) => {
    const { key, target } = /** @type {KeyboardEvent & {target: Element}} */ (event);
    if (KEYS.includes(key) && !target.closest("input, select")) type(key);
  });

  /** A key: a digit of the call, or of the number. @param {string} key */
  function type(key) {
    if (facts.current) return whyNot(facts, "dtmf", phone.mine) || press("dtmf", key);
    to.value += key;
    to.dispatchEvent(new Event("input"));
  }

  /** One's own voice, as others hear it, after three seconds. */
  async function test() {
    if (stopTest) return stopTest();
    const { track, kind } = await openMicrophone({ device: page.devices.input, processed: page.devices.processed });
    microphone = kind;
    view.ask();
    if (!track) return;
    const stopLevel = page.sound.level(track, (level) => show(mine, level));
    stopTest = page.sound.repeat(track, () => {
      stopLevel();
      stopTest = null;
      show(mine, QUIETEST);
      view.ask();
    });
    showDevices();
    view.ask();
  }

  async function showDevices() {
    const { inputs, outputs } = await listDevices();
    fill(input, [["", "Browser's choice"], ...inputs.map(({ id, label }) => [id, label || "Microphone"]), ["none", "None: listen only"]], page.devices.listenOnly ? "none" : page.devices.input);
    for (const [select, use] of /** @type {[HTMLSelectElement, string][]} */ ([[output, "call"], [ring, "ring"]])) {
      fill(select, [["", "Browser's choice"], ...outputs.map(({ id, label }) => [id, label || "Speaker"])], page.sound.devices[use]);
      select.disabled = !page.sound.canChoose;
    }
  }

  /** @param {HTMLSelectElement} select @param {string[][]} entries @param {string} value */
  function fill(select, entries, value) {
    select.replaceChildren(...entries.map(([id, text]) => element("option", "", text, { value: id })));
    select.value = value;
  }

  /** @param {HTMLElement} bar @param {number} level dB */
  function show(bar, level) {
    const wide = percent(level);
    bar.style.inlineSize = `${wide}%`;
    bar.parentElement?.setAttribute("aria-valuenow", String(wide));
  }

  /** What this page says beside what the kernel says. */
  function sentence() {
    const { current } = facts;
    if (phone.alone) return "The kernel is silent: the call was ended here.";
    if (phone.silence) return `The kernel has not answered for ${phone.silence} s. The call goes on until 15 s.`;
    if (current?.trouble) return current.trouble;
    if (current?.warnings.length) return current.warnings.join(" ");
    return stopTest ? "Speak: after 3 s you hear yourself." : facts.note || "";
  }

  function draw() {
    if (phone.alone) facts.current = facts.second = null;
    const { current, second: beside, owner } = facts, state = current?.state || "idle", elsewhere = owner && !phone.mine;
    if (box.dataset.phone !== state) view.announce(current ? `${current.party}: ${current.word}` : facts.note || "Ready to call");
    box.dataset.phone = state;
    box.dataset.account = facts.account;
    box.dataset.tone = TONES[state] || state;
    setText(shape, SHAPES[state] || "○");
    setText(who, current?.party || facts.name || "");
    setText(word, current ? `${current.word}${current.muted ? ", muted" : ""}` : elsewhere ? "In use in another tab" : "Ready to call");
    setText(line, statusText(facts));
    red.hidden = !current?.recording;
    setText(said, sentence());
    said.dataset.tone = phone.alone || phone.silence || current?.trouble || current?.warnings.length ? "ringing" : "";
    setText(quality, current?.quality || "");
    for (const place of PLACES) {
      const chosen = shownOf(place, facts.why || {});
      for (const name of place) /** @type {HTMLElement[]} */ (buttons.get(name))[0].hidden = name !== chosen;
    }
    for (const [name, all] of buttons) for (const made of all) {
      const its = made.parentElement === second && name !== "complete" ? {} : facts.why;
      const why = whyNot({ ...facts, why: its }, name, phone.mine);
      made.setAttribute("aria-disabled", String(!!why));
      made.title = why;
    }
    const rings = beside?.state === "ringing";
    for (const made of /** @type {NodeListOf<HTMLElement>} */ (second.querySelectorAll("button"))) made.hidden = rings !== ["answer", "reject"].includes(made.dataset.command || "");
    setText(other, beside ? `${beside.party} · ${beside.word}` : "");
    second.hidden = !beside;
    const [enable] = /** @type {HTMLElement[]} */ (buttons.get("sound")), [take] = /** @type {HTMLElement[]} */ (buttons.get("takeover")), [check] = /** @type {HTMLElement[]} */ (buttons.get("test"));
    enable.hidden = page.sound.allowed;
    take.hidden = !elsewhere;
    setText(take, !current ? LABELS.takeover : facts.onPageClose === "hangup" ? "Take over: ends its calls" : "Take over: parks its calls");
    setText(check, stopTest ? "Stop the test" : LABELS.test);
    const kind = phone.microphone || microphone;
    way.dataset.microphone = kind;
    setText(way, wayOut(kind));
    if (orbit.options.length !== facts.orbits?.length) fill(orbit, facts.orbits || [], facts.orbits?.[0]?.[0] || "");
    if (document.activeElement !== to && to.value !== model.get("to")) to.value = model.get("to");
  }

  const onTo = () => (to.value = model.get("to"));
  model.on("change:to", onTo);
  phone.watchers.add(view.ask);
  lookAtMicrophone().then((kind) => {
    microphone = kind;
    view.ask();
  });
  const looking = setInterval(() => {
    const [one] = phone.connections;
    if (stopTest) return;
    show(mine, one ? one.levels.said : QUIETEST);
    show(theirs, one ? one.levels.heard : QUIETEST);
  }, LOOK_EVERY);

  /** @param {any} data */
  const learn = (data) => {
    Object.assign(facts, data);
    if (!("owner" in data)) return;
    phone.owned(facts.owner);
    if (!phone.mine) phone.say({ claim: true }); // a page that has it and is there keeps it
  };
  return {
    full(/** @type {any} */ data) {
      facts = {};
      learn(data);
    },
    part: learn,
    draw,
    tick(/** @type {number} */ now) {
      setText(time, facts.current ? duration(now - facts.current.since, true) : "");
    },
    destroy() {
      clearInterval(looking);
      stopTest?.();
      phone.watchers.delete(view.ask);
      model.off("change:to", onTo);
    },
  };
}

const panel = definePanel(createPhone);
export default {
  render: panel.render,
  /** Orders come whether the panel is looked at or not. @param {{model: any}} context */
  initialize(context) {
    const detach = phoneOf(context.model.get("phone")).attach(context.model), leave = panel.initialize(context);
    return () => {
      detach();
      leave();
    };
  },
};
