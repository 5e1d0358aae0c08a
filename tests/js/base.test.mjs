// The page's side of the protocol: which batch is used, and a clock that never runs back for a late one.
import assert from "node:assert/strict";
import test from "node:test";
import { PageClock, commandFor, duration, judge, setTime, sinceOf } from "../../pbxnb/ui/base.js";

test("a batch is used when the page has reached what it builds on", () => {
  assert.equal(judge(4, { n: 5, since: 4 }), "use");
  assert.equal(judge(4, { n: 9, since: 3 }), "use"); // merged: 5 to 8 are superseded
  assert.equal(judge(9, { n: 5, since: 4 }), "drop");
  assert.equal(judge(9, { n: 9, since: 0 }), "drop");
  assert.equal(judge(4, { n: 7, since: 6 }), "ask"); // 5 and 6 are missing
  assert.equal(judge(4, { n: 7, since: 0 }), "use"); // the whole state
});

test("durations: to the second for calls, coarse for the rest", () => {
  assert.deepEqual([0, 59.9, 134, 3600, 40_000].map((s) => duration(s, true)), ["0:00", "0:59", "2:14", "1:00:00", "11:06:40"]);
  assert.deepEqual([5, 60, 3599, 7200, 200_000].map((s) => duration(s, false)), ["5 s", "1 m", "59 m", "2 h", "2 d"]);
  assert.equal(duration(-3, true), "0:00");
});

test("the clock ticks by the rate, follows the PBX and ignores a late batch", () => {
  let mono = 100;
  const clock = new PageClock(() => mono);
  clock.set(1000, 1);
  mono += 5;
  assert.equal(clock.now(), 1005);
  clock.set(1003); // sent two seconds ago
  assert.equal(clock.now(), 1005);
  clock.set(1006);
  assert.equal(clock.now(), 1006);
  clock.set(1006, 10);
  mono += 2;
  assert.equal(clock.now(), 1026);
  clock.set(1026, 0); // paused
  mono += 60;
  assert.equal(clock.now(), 1026);
  clock.set(500, 1); // another clock altogether
  assert.equal(clock.now(), 500);
});

test("a replay that jumps back is followed at once, a late batch after it is not", () => {
  let mono = 100;
  const clock = new PageClock(() => mono);
  clock.set(1000, 0);
  clock.set(995, undefined, 1); // five seconds back, standing still
  assert.equal(clock.now(), 995);
  clock.set(995, 1, 1);
  mono += 5;
  clock.set(998, undefined, 1); // sent two seconds ago
  assert.equal(clock.now(), 1000);
});

test("keys ask for commands; of those with one key the state of the call says which", () => {
  const keys = [["h", "hold", ["connected"]], ["h", "resume", ["held"]], ["d", "dial", []]];
  assert.equal(commandFor(keys, "h", "connected"), "hold");
  assert.equal(commandFor(keys, "h", "held"), "resume");
  assert.equal(commandFor(keys, "h"), "hold");
  assert.equal(commandFor(keys, "d", "held"), "dial");
  assert.equal(commandFor(keys, "constructor"), "");
});

test("a time of which the begin is not known says so, to the eye and in words", () => {
  const attributes = new Map();
  const node = {
    textContent: "",
    setAttribute: (name, value) => attributes.set(name, value),
    hasAttribute: (name) => attributes.has(name),
    removeAttribute: (name) => attributes.delete(name),
  };
  const shown = (began, now) => {
    const { since, least } = sinceOf(began);
    setTime(node, duration(now - since, true), least);
    return [node.textContent, attributes.get("role"), attributes.get("aria-label")];
  };
  assert.deepEqual(shown(-100, 108), ["≥ 0:08", "timer", "at least 0:08"]);
  assert.deepEqual(shown(100, 700), ["10:00", undefined, undefined]);
});
