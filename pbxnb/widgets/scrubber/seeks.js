/*
 * What a scrubber's page asks for: one message at a time, at most twenty a second, of several the last one wins.
 */

/** Milliseconds between two messages. */
const APART = 50;

/** The move that a key means, seconds or a word; null for none. @param {{key: string, shiftKey: boolean, ctrlKey?: boolean, altKey?: boolean, metaKey?: boolean}} event */
export function moveFor({ key, shiftKey, ctrlKey, altKey, metaKey }) {
  if (ctrlKey || altKey || metaKey) return null;
  const far = shiftKey ? 60 : 5;
  /** @type {Record<string, object>} */
  const moves = {
    ArrowRight: { by: far }, ArrowUp: { by: far }, ArrowLeft: { by: -far }, ArrowDown: { by: -far }, PageUp: { by: 60 }, PageDown: { by: -60 },
    Home: { to: 0 }, End: { to: 1 }, " ": { play: true }, ".": { step: 1 }, ",": { step: -1 }, n: { jump: 1 }, p: { jump: -1 },
  };
  return Object.hasOwn(moves, key) ? moves[key] : null;
}

/** Moves on their way to the kernel. */
export class Seeks {
  /**
   * @param {(message: object) => void} send
   * @param {() => number} [now] milliseconds
   * @param {(fn: () => void, ms: number) => void} [later]
   */
  constructor(send, now = () => performance.now(), later = (fn, ms) => void setTimeout(fn, ms)) {
    this.send = send;
    this.now = now;
    this.later = later;
    this.sentAt = -APART;
    /** @type {{seek?: number, by?: number} | null} */
    this.wish = null;
  }

  /** Go to so many seconds after the start. @param {number} seconds */
  to(seconds) {
    this.ask({ seek: seconds });
  }

  /** Go so many seconds on; several add up. @param {number} seconds */
  by(seconds) {
    const { seek, by = 0 } = this.wish || {};
    this.ask(seek === undefined ? { by: by + seconds } : { seek: seek + seconds });
  }

  /** @param {{seek?: number, by?: number}} wish */
  ask(wish) {
    const waits = this.wish !== null;
    this.wish = wish;
    if (!waits) this.later(() => this.flush(), Math.max(0, this.sentAt + APART - this.now()));
  }

  flush() {
    const wish = this.wish;
    this.wish = null;
    this.sentAt = this.now();
    if (wish) this.send(wish);
  }
}
