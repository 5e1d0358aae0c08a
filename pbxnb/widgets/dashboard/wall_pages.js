/*
 * When a wallboard turns its page, without the page: a page is shown for a while, and stays while somebody looks at it.
 */

/** Turns pages. All times in seconds of one clock that only goes forward. */
export class Pages {
  constructor() {
    /** @type {string[]} */
    this.names = [];
    this.cycle = 0;
    this.page = "";
    this.since = 0;
  }

  /** @param {string[]} names @param {number} cycle seconds, 0: all pages at once @param {number} now */
  set(names, cycle, now) {
    if (cycle === this.cycle && names.join() === this.names.join()) return;
    Object.assign(this, { names, cycle });
    this.show(cycle > 0 && names.length > 1 ? names[0] : "", now);
  }

  /** @param {string} page @param {number} now */
  show(page, now) {
    this.page = page;
    this.since = now;
  }

  /** Somebody looks, or uses it: the page stays for another while. @param {number} now */
  stay(now) {
    this.since = now;
  }

  /** Turn the page if it is time; returns whether it did. @param {number} now */
  tick(now) {
    if (!this.page || now - this.since < this.cycle) return false;
    this.show(this.names[(this.names.indexOf(this.page) + 1) % this.names.length], now);
    return true;
  }
}
