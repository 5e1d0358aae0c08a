// When a wallboard turns its page.
import assert from "node:assert/strict";
import test from "node:test";

import { Pages } from "../../pbxnb/widgets/dashboard/wall_pages.js";

test("pages turn one after the other, and begin anew", () => {
  const pages = new Pages(), seen = [];
  pages.set(["a", "b"], 10, 0);
  for (const now of [0, 9.9, 10, 19, 20, 25]) {
    pages.tick(now);
    seen.push(pages.page);
  }
  assert.deepEqual(seen, ["a", "a", "b", "b", "a", "a"]);
});

test("a page stays while somebody looks at it, and a while after", () => {
  const pages = new Pages();
  pages.set(["a", "b"], 10, 0);
  for (const now of [5, 12, 20]) pages.stay(now) ?? pages.tick(now);
  assert.equal(pages.page, "a");
  assert.ok(!pages.tick(29) && pages.tick(30));
});

test("without an interval, and with one page, nothing turns; the same facts again change nothing", () => {
  const pages = new Pages();
  pages.set(["a", "b"], 0, 0);
  assert.equal(pages.page, "");
  assert.ok(!pages.tick(100));
  pages.set(["a"], 5, 0);
  assert.equal(pages.page, "");
  pages.set(["a", "b"], 5, 0);
  pages.tick(6);
  pages.set(["a", "b"], 5, 7);
  assert.equal(pages.page, "b");
});
