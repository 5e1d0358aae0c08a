/*
 * The page's side of every panel: numbered batches in, acknowledgements out, a clock that ticks by itself, the strip for
 * errors, the theme and the announcer. Knows no kind of panel. See live_panel.py for what goes over the wire.
 *
 * A panel's module ends with `export default definePanel(create)`, where create(view) builds the DOM in view.body and returns
 *   full(data)        everything anew (may come again at any time: keep elements, focus and scroll position)
 *   part(data)        a batch; returns false when nothing of it can be seen now, so that no frame is drawn for it
 *   draw()            once per animation frame after full/part: write what is dirty to the DOM
 *   tick(now)         once a second, in such a frame where there is one: timers; now = PBX time, s
 *   destroy()         optional
 * view = { root, body, model, uid, now(), send(message), announce(text), ask() }; ask() wants a draw without a batch.
 * Text goes into the page by `textContent` only.
 */

/** @typedef {{n: number, since: number, full?: any, part?: any, c?: number, r?: number, t?: number, e?: string[], note?: string, failed?: boolean, w?: string}} Batch */

/** Batches, or ms, until the page acknowledges. Each message to the kernel makes it busy and idle, which the host draws twice. */
const ACK_BATCHES = 4, ACK_AFTER = 200;

/** Drag data of a call: its id. The call list starts such drags, tiles and orbits take them. */
export const CALL_TYPE = "application/x-pbxnb-call";
/** Drag data beside it: the numbers of its parties, JSON; readable while the drag starts, which is when targets are lit. */
export const PARTIES_TYPE = "application/x-pbxnb-parties";

/** Shape and word of every state; the order is the order of the legend. `code` is its letter on the wire. */
export const STATES = [
  { code: "i", name: "idle", shape: "○", word: "Idle" },
  { code: "r", name: "ringing", shape: "◔", word: "Ringing" },
  { code: "d", name: "dialling", shape: "◌", word: "Dialling" },
  { code: "b", name: "busy", shape: "●", word: "In call" },
  { code: "h", name: "held", shape: "❚❚", word: "On hold" },
  { code: "p", name: "parked", shape: "▣", word: "Parked" },
  { code: "o", name: "offline", shape: "–", word: "Not registered" },
];

/**
 * Make an element. Text is set as text, never as markup.
 * @param {string} tag @param {string} [className] @param {string} [text] @param {Record<string, string>} [attributes] @returns {HTMLElement}
 */
export function element(tag, className = "", text = "", attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Set a node's text only where it differs, in place where it is text alone: little or no layout. @param {any} node @param {string} text */
export function setText(node, text) {
  const first = node.firstChild;
  if (node.textContent !== text) (first?.nodeType === 3 && !first.nextSibling ? first : node).textContent = text;
}

/**
 * Show a time in a state. Where its begin is not known it is as long at least, which a screen reader says in words.
 * @param {HTMLElement} node @param {string} text @param {boolean} least
 */
export function setTime(node, text, least) {
  setText(node, least && text ? `≥ ${text}` : text);
  if (least && text) {
    node.setAttribute("role", "timer");
    node.setAttribute("aria-label", `at least ${text}`);
  } else if (node.hasAttribute("aria-label")) for (const name of ["role", "aria-label"]) node.removeAttribute(name);
}

/** A begin from the wire: a negative one is when it was first seen, later than the begin. @param {number} began */
export function sinceOf(began) {
  return { since: Math.abs(began), least: began < 0 };
}

/**
 * Keys pressed in an element are not for the notebook. JupyterLab looks for the mark from the focused element upwards, but
 * many of its shortcuts ask for the focused element alone and are found before a mark further up: each one bears it itself.
 * @param {HTMLElement} node
 */
export function keepKeys(node) {
  node.addEventListener("focusin", ({ target }) => /** @type {Element} */ (target).setAttribute("data-lm-suppress-shortcuts", "true"));
}

/**
 * The command that a key means: of those with it the one for the state of the call, else the first; "" for none.
 * @param {[string, string, string[]][]} keys key, command, states of the call; the commands' table in Python says which
 * @param {string} key
 * @param {string} [state]
 */
export function commandFor(keys, key, state = "") {
  const alike = keys.filter(([one]) => one === key);
  return (alike.find(([, , states]) => states.includes(state)) || alike[0])?.[1] || "";
}

/**
 * A duration as people read it: m:ss and h:mm:ss for calls, whole minutes, hours, days for the rest.
 * @param {number} seconds
 * @param {boolean} exact
 */
export function duration(seconds, exact) {
  const s = Math.max(0, Math.floor(seconds));
  if (!exact && s >= 60) return s < 3600 ? `${Math.floor(s / 60)} m` : s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
  if (!exact) return `${s} s`;
  const tail = `${String(Math.floor(s / 60) % 60).padStart(s < 3600 ? 1 : 2, "0")}:${String(s % 60).padStart(2, "0")}`;
  return s < 3600 ? tail : `${Math.floor(s / 3600)}:${tail}`;
}

/**
 * Whose times are shown, and where the browser's clock differs, that of the browser. The kernel writes every time of day; a page none.
 * @param {string} zone its name @param {number} ahead minutes ahead of UTC @param {number} now PBX time, s
 */
export function zoneText(zone, ahead, now) {
  const same = -new Date(now * 1000).getTimezoneOffset() === ahead;
  return `times: ${zone}` + (same ? "" : `; this browser: ${Intl.DateTimeFormat().resolvedOptions().timeZone}`);
}

/** PBX time in the page: set by each batch, ticking on its own in between. A late batch never turns it back, a jump of the PBX does. */
export class PageClock {
  /** @param {() => number} [monotonic] seconds */
  constructor(monotonic = () => performance.now() / 1000) {
    this.monotonic = monotonic;
    this.base = Date.now() / 1000;
    this.rate = 1;
    this.at = monotonic();
    this.jumps = -1;
  }
  now() {
    return this.base + (this.monotonic() - this.at) * this.rate;
  }
  /** @param {number} time @param {number} [rate] @param {number} [jumps] how often it has jumped */
  set(time, rate = this.rate, jumps = 0) {
    const mine = this.now(), turned = rate !== this.rate || jumps !== this.jumps;
    this.rate = rate;
    this.jumps = jumps;
    // Within a minute behind, the batch was late, not the clock wrong.
    const late = !turned && time < mine && mine - time < 60 * Math.max(1, this.rate);
    this.base = late ? mine : time;
    this.at = this.monotonic();
  }
}

/**
 * Decide what to do with a batch: "use" it, "drop" it as superseded, or "ask" because one before it is missing.
 * @param {number} reached @param {{n: number, since: number}} batch
 */
export function judge(reached, batch) {
  if (batch.n <= reached) return "drop";
  return batch.since <= reached ? "use" : "ask";
}

/** @param {DataView | ArrayBuffer | Uint8Array} buffer @returns {any} */
function parse(buffer) {
  return JSON.parse(new TextDecoder().decode(buffer));
}

/** One model's stream of batches, shared by its views in this page. */
class BatchStream {
  /** @param {any} model */
  constructor(model) {
    this.model = model;
    this.page = Math.random().toString(36).slice(2);
    this.clock = new PageClock();
    /** @type {Set<any>} */
    this.views = new Set();
    /** @type {Batch[] | null} */
    this.early = [];
    this.helloAt = 0;
    this.acknowledged = -1;
    this.owed = 0;
    this.frame = 0;
    const first = this.first();
    this.reached = first.n;
    this.clock.set(first.c ?? 0, first.r, first.t);
    model.on("msg:custom", (/** @type {any} */ message, /** @type {any[]} */ buffers) => {
      if (typeof message?.n === "number") this.take({ ...parse(buffers[0]), n: message.n, since: message.since });
    });
  }

  /** The state the model was created with. @returns {Batch} */
  first() {
    return { ...parse(this.model.get("_full")), since: 0 };
  }

  /** @param {Batch} batch */
  take(batch) {
    if (this.early) {
      // No view yet: keep what is needed to draw the first one, or nothing and ask then.
      if (this.early.length < 40) this.early.push(batch);
      return;
    }
    if (!this.views.size) return;
    const verdict = judge(this.reached, batch);
    if (verdict === "ask") return this.hello();
    if (verdict === "drop") return;
    this.reached = batch.n;
    let seen = false;
    for (const view of this.views) seen = view.take(batch) || seen;
    if (batch.c !== undefined) this.clock.set(batch.c, batch.r, batch.t);
    if (seen) this.ask();
    else this.owe();
  }

  ask() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    for (const view of this.views) view.draw();
    this.owe(); // after the paint, not before it: the acknowledgement slows the kernel down when painting is slow
  }

  /** See to it that the kernel hears how far this page has come. */
  owe() {
    if (this.reached - this.acknowledged >= ACK_BATCHES) {
      clearTimeout(this.owed);
      this.owed = window.setTimeout(() => this.acknowledge(), 0);
    } else if (!this.owed) this.owed = window.setTimeout(() => this.acknowledge(), ACK_AFTER);
  }

  acknowledge() {
    this.owed = 0;
    if (this.views.size && this.acknowledged !== this.reached) this.send({ ack: (this.acknowledged = this.reached) });
  }

  /** Tell the kernel. Jupyter refuses once the panel's kernel is gone, as after a restart: then there is nobody to tell. @param {object} message */
  send(message) {
    try {
      this.model.send(message);
    } catch {
      for (const view of this.views) view.orphan();
    }
  }

  /** Say that this page shows the panel and what it has. At most twice a second. */
  hello(reached = this.reached) {
    const now = performance.now();
    if (now - this.helloAt < 500 && reached === this.reached) return;
    this.helloAt = now;
    this.send({ hello: this.page, n: reached });
  }

  /** @param {any} view */
  join(view) {
    this.views.add(view);
    view.take(this.first());
    if (this.early) {
      const early = this.early;
      this.early = null;
      this.acknowledged = this.reached;
      for (const batch of early) this.take(batch);
      this.helloAt = 0;
      this.hello();
    } else {
      // What the others hold is not kept in one piece: a later view asks for the whole.
      this.hello(-1);
    }
    this.ask();
  }

  /** @param {any} view */
  leave(view) {
    this.views.delete(view);
    if (!this.views.size) this.send({ bye: this.page });
  }
}

/** @type {Map<string, BatchStream>} */
const streams = new Map();

/** @param {any} model @returns {BatchStream} */
function streamOf(model) {
  const uid = model.get("uid");
  let stream = streams.get(uid);
  if (!stream) streams.set(uid, (stream = new BatchStream(model)));
  return stream;
}

/** Whether what lies behind an element is dark. @param {Element | null} from */
function behindIsDark(from) {
  const theme = document.body.dataset.jpThemeLight;
  if (theme) return theme === "false";
  for (let node = from; node; node = node.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(node).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (a > 0.5) return 0.3 * r + 0.6 * g + 0.1 * b < 110;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Keep data-theme, data-host and data-density of a root right. @param {HTMLElement} root @param {any} model @returns {() => void} */
function followTheme(root, model) {
  const apply = () => {
    const wish = model.get("theme");
    root.dataset.theme = wish === "auto" ? (behindIsDark(root.parentElement) ? "dark" : "light") : wish;
    root.toggleAttribute("data-hosted", wish === "auto");
    root.dataset.density = model.get("density");
    root.toggleAttribute("data-wallboard", model.get("wallboard"));
  };
  const watcher = new MutationObserver(apply);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class", "style"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", apply);
  for (const trait of ["theme", "density", "wallboard"]) model.on(`change:${trait}`, apply);
  apply();
  requestAnimationFrame(apply); // once more when the root is in the page
  return () => {
    watcher.disconnect();
    media.removeEventListener("change", apply);
  };
}

/** A polite voice for screen readers: the newest sentence, at most one in five seconds. @param {HTMLElement} region */
function announcerFor(region) {
  let last = -5000, waiting = "", timer = 0;
  const say = () => {
    timer = 0;
    last = performance.now();
    region.textContent = waiting;
  };
  return (/** @type {string} */ text) => {
    if (text === waiting) return;
    waiting = text;
    if (!timer) timer = window.setTimeout(say, Math.max(0, last + 5000 - performance.now()));
  };
}

/**
 * Make the anywidget of a panel.
 * @param {(view: any) => {full: (data: any) => void, part: (data: any) => boolean | void, draw: () => void, tick: (now: number) => void, destroy?: () => void}} create
 */
export function definePanel(create) {
  return {
    /** @param {{model: any}} context */
    initialize({ model }) {
      const stream = streamOf(model); // listen from the start: batches may come before the first view
      return () => {
        if (streams.get(model.get("uid")) === stream) streams.delete(model.get("uid"));
        // JupyterLab 4.6 keeps the model of a closed comm for the life of the kernel connection: leave little in it.
        // Twice, because a model also keeps what it held before the last change.
        for (let time = 0; time < 2; time++) model.set({ _code: "", _full: "", _css: "" }, { silent: true });
      };
    },
    /** @param {{model: any, el: HTMLElement}} context */
    render({ model, el }) {
      const stream = streamOf(model);
      const root = element("div", "pbxnb"), whose = element("div", "pbx-whose pbx-soft", "", { dir: "auto" });
      keepKeys(root);
      const strip = element("div", "pbx-strip", "", { role: "alert" }), ending = element("div", "pbx-ending", "", { role: "status", dir: "auto" });
      const body = element("div", "pbx-body"), voice = element("div", "pbx-voice", "", { "aria-live": "polite" });
      // What a notebook run by a program shows instead, see static.py.
      const hide = element("style", "", `.pbxnb-twin-${model.get("uid")} { display: none }`);
      root.append(whose, strip, ending, body, voice, hide);
      el.append(root);
      const unfollow = followTheme(root, model);
      const view = {
        root, body, model, uid: model.get("uid"),
        now: () => stream.clock.now(),
        send: (/** @type {object} */ message) => stream.send(message),
        announce: announcerFor(voice),
        ask: () => stream.ask(),
      };
      const panel = create(view);
      /** What went wrong, and how the line ended: by a failure, or on purpose, which is no alarm. */
      const showStrip = (/** @type {string[]} */ errors, /** @type {string} */ note, /** @type {boolean} */ failed) => {
        strip.replaceChildren();
        for (const text of errors) strip.append(element("p", "", text, { dir: "auto" }));
        if (failed) strip.append(element("p", "pbx-note", note, { dir: "auto" }));
        setText(ending, failed ? "" : note);
        if (errors.length) {
          const ok = element("button", "pbx-button", "Dismiss", { type: "button" });
          ok.addEventListener("click", () => stream.send({ dismiss: true }));
          strip.append(ok);
        }
      };
      let second = 0;
      const member = {
        /** @returns {boolean} whether it can be seen */
        take(/** @type {Batch} */ batch) {
          if (batch.full !== undefined) panel.full(batch.full);
          const seen = batch.part !== undefined && panel.part(batch.part) !== false;
          if (batch.w !== undefined) setText(whose, batch.w);
          if (batch.e) showStrip(batch.e, batch.note || "", !!batch.failed);
          return seen || batch.full !== undefined;
        },
        orphan: () => showStrip([], "The kernel of this panel is gone. Run its cell again.", true),
        draw() {
          panel.draw();
          const now = stream.clock.now();
          if (Math.floor(now) !== second) panel.tick(now);
          second = Math.floor(now);
        },
      };
      stream.join(member);
      const timer = setInterval(() => Math.floor(stream.clock.now()) === second || stream.ask(), 250);
      return () => {
        clearInterval(timer);
        unfollow();
        stream.leave(member);
        panel.destroy?.();
        root.remove();
      };
    },
  };
}
