/*
 * The softphone on the screen: who is on the line, meters, a number, buttons, keys, devices. It shows what the kernel says of the
 * calls and what this page knows of their sound; it owns neither (page_phone.js does).
 */
import { STATES, definePanel, duration, element, setText } from "../../ui/base.js";
import { allowNotes } from "../../ui/notes.js";
import { NONE, listDevices, lookAtMicrophone, ofThisPage, openMicrophone } from "./microphone.js";
import { phoneOf, thisPage } from "./page_phone.js";

const KEYS = "123456789*0#";
const LETTERS = ",ABC,DEF,GHI,JKL,MNO,PQRS,TUV,WXYZ,,+,".split(",");
const QUIETEST = -60; // dB: the left end of a meter
const LOOK_EVERY = 100; // ms

/** @param {any} view */
function createPhone(view) {
  const { root, body, model } = view, page = thisPage(), phone = phoneOf(model.get("phone")), { sound, devices } = page;
  /** @type {any} */
  const facts = {};
  let stopTest = /** @type {null | (() => void)} */ (null);
  root.classList.add("pbx-softphone");

  /** @param {HTMLElement} into @param {string} tag @param {string} [name] @param {string} [text] @param {Record<string, any>} [attributes] @returns {any} */
  const put = (into, tag, name, text, attributes) => into.appendChild(element(tag, name, text, attributes));
  /** @type {HTMLElement[]} */
  const buttons = [];
  /** @param {HTMLElement} into @param {string} name @param {() => void} act */
  const command = (into, name, act) => {
    const made = put(into, "button", "pbx-button pbx-cmd", "", { type: "button", "data-command": name });
    made.addEventListener("click", () => {
      sound.enable();
      void allowNotes();
      act(); // where it cannot be done the kernel says why
    });
    buttons.push(made);
    return made;
  };
  const press = (/** @type {string} */ name, to = "", leg = facts.current?.leg || 0) => view.send({ press: name, leg, to, page: page.id });

  const box = put(body, "div", "pbx-phone", "", { "data-phone": "idle" }), head = put(box, "div", "pbx-head");
  const shape = put(head, "span", "pbx-shape", "", { "aria-hidden": "true" });
  const who = put(head, "bdi", "pbx-who"), word = put(head, "span", "pbx-word"), time = put(head, "span", "pbx-num pbx-time", "", { role: "timer" });
  const red = put(head, "span", "pbx-red", "● Recorded"), line = put(head, "span", "pbx-soft pbx-line");

  const meters = put(box, "div", "pbx-meters");
  const meter = (/** @type {string} */ label) =>
    put(put(meters, "label", "pbx-meter", label), "meter", "", "", { "aria-label": `${label}: loudness, dB`, min: QUIETEST, max: 0, value: QUIETEST });
  const mine = meter("You"), theirs = meter("Them"), quality = put(meters, "span", "pbx-soft pbx-quality");

  const dial = put(box, "div", "pbx-row");
  const to = put(dial, "input", "pbx-to", "", { "data-phone-to": "", "aria-label": "Number", placeholder: "Number", autocomplete: "off", dir: "auto" });
  to.addEventListener("input", () => {
    model.set("to", to.value);
    model.save_changes();
  });
  to.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    sound.enable();
    press("dial", to.value);
  });
  const tools = put(box, "div", "pbx-row");
  for (const name of ["answer", "dial", "reject", "hangup"]) command(dial, name, () => press(name, to.value));
  for (const name of ["resume", "hold", "unmute", "mute", "transfer"]) command(tools, name, () => press(name, to.value));
  const orbit = put(tools, "select", "pbx-orbit", "", { "aria-label": "Orbit to park in" });
  command(tools, "park", () => press("park", orbit.value));

  const notes = put(box, "div", "pbx-notes"), said = put(notes, "span", "pbx-said", "", { role: "status", dir: "auto" });
  const second = put(notes, "span", "pbx-second"), other = put(second, "bdi");
  for (const name of ["answer", "reject", "resume"]) command(second, name, () => press(name, "", facts.second.leg));
  command(second, "complete", () => press("complete"));

  const help = put(box, "div", "pbx-row pbx-sound");
  const enable = command(help, "sound", () => {}); // as every button does
  const take = command(help, "takeover", () => view.send({ takeover: page.id }));
  const way = put(help, "span", "pbx-way", "", { dir: "auto" });

  const more = put(box, "details", "pbx-more");
  put(more, "summary", "pbx-soft", "Devices and test");
  const choices = put(more, "div", "pbx-row");
  /** @param {string} label @param {(id: string) => void} choose */
  const choice = (label, choose) => {
    const made = put(put(choices, "label", "", label), "select");
    made.addEventListener("change", () => choose(made.value));
    return made;
  };
  const choose = (/** @type {object} */ chosen) => {
    Object.assign(devices, chosen);
    phone.connections.forEach((one) => one.useMicrophone());
  };
  const input = choice("Microphone", (id) => choose({ input: id }));
  const speakers = /** @type {["call", "ring"]} */ (["call", "ring"]).map((use) => /** @type {const} */ ([use, choice(use === "call" ? "Calls" : "Ring", (id) => sound.choose(use, id))]));
  const clean = put(put(choices, "label"), "input", "", "", { type: "checkbox" });
  clean.after(" Reduce noise and echo");
  clean.checked = devices.processed;
  clean.addEventListener("change", () => choose({ processed: clean.checked }));
  command(choices, "test", test);
  more.addEventListener("toggle", showDevices);

  const pad = put(box, "div", "pbx-pad", "", { role: "group", tabindex: "0", "aria-label": "Keys: type digits" });
  [...KEYS].forEach((key, at) => {
    const made = put(pad, "button", "pbx-key", key, { type: "button", tabindex: "-1", "data-digit": key });
    put(made, "small", "", LETTERS[at], { "aria-hidden": "true" });
    made.addEventListener("click", () => type(key));
  });
  box.addEventListener("keydown", (/** @type {any} */ { key, target }) => {
    if (KEYS.includes(key) && !target.closest("input, select")) type(key);
  });

  /** A key: a digit of the call, or of the number. @param {string} key */
  function type(key) {
    if (facts.current) return press("dtmf", key);
    to.value += key;
    to.dispatchEvent(new Event("input"));
  }

  /** One's own voice, as others hear it, after three seconds. */
  async function test() {
    if (stopTest) return stopTest();
    const { track, kind } = await openMicrophone(devices);
    phone.microphone = kind;
    view.ask();
    if (!track) return;
    const stopLevel = sound.level(track, (level) => (mine.value = level));
    stopTest = sound.repeat(track, () => {
      stopLevel();
      stopTest = null;
      view.ask();
    });
    showDevices();
  }

  async function showDevices() {
    const { inputs, outputs } = await listDevices(), own = ["", "Browser's choice"];
    fill(input, [own, ...inputs, [NONE, "None: listen only"]], devices.input);
    for (const [use, select] of speakers) {
      fill(select, [own, ...outputs], sound.devices[use]);
      select.disabled = !("setSinkId" in HTMLMediaElement.prototype);
    }
  }

  /** @param {HTMLSelectElement} select @param {string[][]} entries @param {string} value */
  function fill(select, entries, value) {
    select.replaceChildren(...entries.map(([id, text]) => element("option", "", text || "Unnamed", { value: id })));
    select.selectedIndex = Math.max(0, entries.findIndex(([id]) => id === value));
  }

  function draw() {
    if (phone.alone) facts.current = facts.second = null;
    const { second: beside, owner, texts, idle } = facts, current = facts.current || idle, { state, tone } = current;
    const elsewhere = owner && !phone.mine;
    // What this page knows of the kernel goes before what the kernel said.
    const trouble = phone.alone ? texts.alone : phone.silence ? texts.silent.replace("SECONDS", phone.silence) : current.trouble;
    if (box.dataset.phone !== state) view.announce(`${current.party}: ${current.word}`);
    Object.assign(box.dataset, { phone: state, account: facts.account, tone });
    setText(shape, STATES.find(({ name }) => name === tone)?.shape || "");
    setText(who, current.party);
    setText(word, current === idle && elsewhere ? texts.elsewhere : current.word);
    setText(line, facts.line);
    red.hidden = !current.recording;
    setText(said, trouble || (stopTest ? texts.speak : facts.note));
    said.dataset.tone = trouble ? "ringing" : "";
    setText(quality, current.quality);
    setText(other, beside ? `${beside.party} · ${beside.word}` : "");
    second.hidden = !beside;
    for (const made of buttons) {
      const name = made.dataset.command || "", its = (second.contains(made) && beside) || facts;
      const reason = its.why[name] || (!phone.mine && facts.elsewhere[name]) || "";
      made.hidden = name in facts.why && !its.shown.includes(name);
      setText(made, name === "takeover" ? facts.takeover : texts[name === "test" && stopTest ? "stop" : name]);
      made.setAttribute("aria-disabled", String(!!reason));
      made.title = reason;
    }
    enable.hidden = sound.allowed;
    take.hidden = !elsewhere;
    way.dataset.microphone = phone.microphone;
    setText(way, ofThisPage(texts[phone.microphone] || ""));
  }

  const onTo = () => (to.value = model.get("to"));
  onTo();
  model.on("change:to", onTo);
  phone.watchers.add(view.ask);
  lookAtMicrophone().then((kind) => {
    phone.microphone ||= kind;
    view.ask();
  });
  const looking = setInterval(() => {
    const [one] = phone.connections;
    if (!stopTest) mine.value = one?.levels.said ?? QUIETEST;
    theirs.value = one?.levels.heard ?? QUIETEST;
  }, LOOK_EVERY);

  const learn = (/** @type {any} */ data) => {
    Object.assign(facts, data);
    if (data.orbits) fill(orbit, data.orbits, orbit.value);
    if (!("owner" in data)) return;
    phone.owned(facts.owner);
    if (!phone.mine) phone.say({ claim: true }); // a page that has it and is there keeps it
  };
  return {
    full: learn,
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
