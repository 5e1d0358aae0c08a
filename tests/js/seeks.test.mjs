// What a scrubber's page sends: the newest wish, twenty times a second at most, and what each key means.
import assert from "node:assert/strict";
import test from "node:test";
import { counted } from "../../pbxnb/widgets/scrubber/scrubber.js";
import { Seeks, moveFor } from "../../pbxnb/widgets/scrubber/seeks.js";

/** Seeks on a clock of the test's own: `pass(ms)` runs what is due. */
function atTime() {
  let now = 0;
  const sent = [], due = [];
  const seeks = new Seeks((message) => sent.push([now, message]), () => now, (fn, ms) => due.push([now + ms, fn]));
  const pass = (ms) => {
    for (const end = now + ms; now < end; now++) while (due.length && due[0][0] <= now) due.shift()[1]();
  };
  return { seeks, sent, pass };
}

test("a drag of a second at 1,000 events a second sends 20 seeks, the last of them where it ended", () => {
  const { seeks, sent, pass } = atTime();
  for (let at = 0; at < 1000; at++) {
    seeks.to(at);
    pass(1);
  }
  pass(100);
  assert.ok(sent.length >= 19 && sent.length <= 21, String(sent.length));
  assert.ok(sent.every(([at], index) => !index || at - sent[index - 1][0] >= 50));
  assert.deepEqual(sent.at(-1)[1], { seek: 999 });
});

test("one click is sent at once, nothing is sent twice", () => {
  const { seeks, sent, pass } = atTime();
  seeks.to(7);
  pass(1);
  assert.deepEqual(sent, [[0, { seek: 7 }]]);
  pass(500);
  assert.equal(sent.length, 1);
});

test("keys held down add up, also onto where a drag ended", () => {
  const { seeks, sent, pass } = atTime();
  seeks.by(5);
  seeks.by(5);
  pass(60);
  seeks.to(100);
  seeks.by(-60);
  pass(60);
  assert.deepEqual(sent.map(([, message]) => message), [{ by: 10 }, { seek: 40 }]);
});

test("keys: five seconds, a minute, the ends, play, steps and jumps; none with Ctrl, Alt or Meta", () => {
  const move = (key, more = {}) => moveFor({ key, shiftKey: false, ...more });
  assert.deepEqual(["ArrowLeft", "ArrowRight", "Home", "End", " ", ",", ".", "n", "p"].map((key) => move(key)), [
    { by: -5 }, { by: 5 }, { to: 0 }, { to: 1 }, { play: true }, { step: -1 }, { step: 1 }, { jump: 1 }, { jump: -1 },
  ]);
  assert.deepEqual(move("ArrowLeft", { shiftKey: true }), { by: -60 });
  for (const with_ of ["ctrlKey", "altKey", "metaKey"]) assert.equal(move("n", { [with_]: true }), null);
  assert.equal(move("x"), null);
  assert.equal(move("toString"), null);
});

test("marks are counted with what each stands for", () => {
  assert.equal(counted([], "gap"), "");
  assert.equal(counted([[0, 0, "", "", 1]], "gap"), "1 gap");
  assert.equal(counted([[0, 0, "", "", 3], [0, 0, "", "", 1]], "alert"), "4 alerts");
});
