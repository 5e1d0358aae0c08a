/*
 * The calls of this page. They belong to the page, never to a view of the panel: a cell that runs again finds its call going
 * on. What to do is said by the kernel, to the one page that owns the phone; when the kernel is silent for long, all ends.
 *
 * Kernel to page: `{phone, seq, owner, leg, order, …}`. Page to kernel: `{phone, owner, leg, …}` with what a Connection tells, and
 * `{phone, owner, claim | leave | here}`; here answers a beat.
 */
import { callAttention } from "./attention.js";
import { Connection } from "./connection.js";
import { Sound } from "./sound.js";

const LOOK = 1000, UNANSWERED = 5000, ALONE = 15000; // ms

/** What the page holds for the panels of every phone. */
class Page {
  id = Math.random().toString(36).slice(2);
  /** @type {Map<string, PagePhone>} */
  phones = new Map();
  sound = new Sound();
  /** The person's choice, see microphone.js. */
  devices = { input: "", processed: true };

  constructor() {
    addEventListener("beforeunload", (event) => {
      if ([...this.phones.values()].some((phone) => phone.connections.length)) event.preventDefault();
    });
    addEventListener("pagehide", () => this.phones.forEach((phone) => phone.leave()));
    this.sound.onchange = () => this.phones.forEach((phone) => phone.changed());
  }
}

/** What this page holds, made with its first panel. @returns {Page} */
export function thisPage() {
  return (/** @type {any} */ (globalThis)[Symbol.for("pbxnb.softphone")] ??= new Page());
}

/** The phone of this id in this page. @param {string} id */
export function phoneOf(id) {
  const { phones } = thisPage();
  return phones.get(id) || /** @type {PagePhone} */ (phones.set(id, new PagePhone(id)).get(id));
}

/** One extension's calls in this page. */
export class PagePhone {
  /** Of the newest message of the kernel. */
  seq = 0;
  owner = "";
  heardAt = 0;
  /** Whether calls were ended here because the kernel was silent. */
  alone = false;
  /** A kind of microphone.js, as it was found last. */
  microphone = "";
  /** Calls by the kernel's number of them. @type {Map<number, {connection?: Connection, quiet: () => void}>} */
  legs = new Map();
  /** Panels of it: each can tell the kernel. @type {Set<any>} */
  models = new Set();
  /** What to call when something changed. @type {Set<() => void>} */
  watchers = new Set();
  timer = 0;

  /** @param {string} id the kernel's name of it */
  constructor(id) {
    this.id = id;
  }

  get mine() {
    return this.owner === thisPage().id;
  }

  /** Connections that are open. */
  get connections() {
    return [...this.legs.values()].flatMap(({ connection }) => connection || []);
  }

  /** Seconds that the kernel has said nothing during a call; 0 while all is well. */
  get silence() {
    const passed = performance.now() - this.heardAt;
    return this.legs.size && passed > UNANSWERED ? Math.floor(passed / 1000) : 0;
  }

  /** Follow a panel's messages. @param {any} model @returns {() => void} what ends it */
  attach(model) {
    const take = (/** @type {any} */ message) => this.take(message);
    model.on("msg:custom", take);
    this.models.add(model);
    return () => {
      model.off("msg:custom", take);
      this.models.delete(model);
      if (!this.models.size && !this.legs.size) thisPage().phones.delete(this.id);
    };
  }

  changed() {
    this.watchers.forEach((tell) => tell());
  }

  /** Tell the kernel. @param {Record<string, any>} message */
  say(message) {
    const [model] = this.models;
    try {
      model?.send({ phone: this.id, owner: thisPage().id, ...message });
    } catch {
      // The kernel has restarted: `watch` ends the calls.
    }
  }

  /** The page goes away. */
  leave() {
    if (this.mine) this.say({ leave: true });
    this.end();
  }

  /** @param {any} message */
  take(message) {
    // Every panel of the phone brings it: once is enough.
    if (message?.phone !== this.id || message.seq <= this.seq) return;
    this.seq = message.seq;
    this.heardAt = performance.now();
    this.alone = false;
    this.owned(message.owner);
    if (this.mine && message.leg) this.obey(message);
    else if (this.mine) this.say({ here: true });
    this.changed();
  }

  /** Another page may have the phone now: then nothing sounds here. @param {string} owner */
  owned(owner) {
    this.owner = owner;
    if (!this.mine) this.end();
  }

  /** @param {any} message */
  obey(message) {
    const { leg: id, order } = message;
    if (order === "close") return this.drop(id);
    const leg = this.legs.get(id) || { quiet: () => {} };
    leg.quiet();
    this.legs.set(id, leg);
    this.timer ||= window.setInterval(() => this.watch(), LOOK);
    if (order === "ring") return (leg.quiet = this.ring(message.text));
    leg.connection ||= this.connect(id);
    /** @type {any} */ (leg.connection)[order](message);
  }

  /** @param {number} leg */
  connect(leg) {
    const { sound, devices } = thisPage();
    return new Connection(sound, devices, (message) => {
      if (message.microphone) this.microphone = message.microphone;
      this.say({ leg, ...message });
      this.changed();
    });
  }

  /** A call beside another is seen, not heard. @param {string} text */
  ring(text) {
    const stops = [callAttention(text)];
    if (!this.connections.length) stops.push(thisPage().sound.ring());
    return () => stops.splice(0).forEach((stop) => stop());
  }

  /** @param {number} id */
  drop(id) {
    const leg = this.legs.get(id);
    leg?.quiet();
    leg?.connection?.close();
    this.legs.delete(id);
    if (this.legs.size) return;
    clearInterval(this.timer);
    this.timer = 0;
  }

  /** Nothing sounds and nothing listens any more. */
  end() {
    if (!this.legs.size) return;
    for (const id of this.legs.keys()) this.drop(id);
    this.changed();
  }

  /** Each second of a call: is the kernel there? */
  watch() {
    this.alone = performance.now() - this.heardAt > ALONE;
    if (this.alone) this.end();
    this.changed();
  }
}
