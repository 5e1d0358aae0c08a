// Levels, the ring, and how the page calls for attention.
import assert from "node:assert/strict";
import test from "node:test";
import { callAttention } from "../../pbxnb/widgets/softphone/attention.js";
import { decibels, ringSamples } from "../../pbxnb/widgets/softphone/sound.js";

test("a level is in dB below full scale", () => {
  const sine = Float32Array.from({ length: 4800 }, (_, at) => Math.sin((2 * Math.PI * 10 * at) / 4800));
  assert.ok(Math.abs(decibels(sine) + 3.01) < 0.01);
  assert.ok(Math.abs(decibels(sine.map((sample) => sample / 10)) + 23.01) < 0.01);
  assert.equal(decibels(new Float32Array(100)), -100);
});

test("the ring is a second of sound in four, begins and ends softly, and is never loud", () => {
  const ring = ringSamples(8000), sounding = ring.subarray(0, 8000), rest = ring.subarray(8000);
  assert.equal(ring.length, 32000);
  assert.ok(rest.every((sample) => sample === 0) && decibels(sounding) > -25);
  assert.ok(ring.every((sample) => Math.abs(sample) <= 0.3) && Math.abs(ring[1]) < 0.01 && Math.abs(ring[7999]) < 0.01);
});

test("the title blinks, and is what the notebook made of it afterwards", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  globalThis.document = { title: "Untitled", hasFocus: () => true };
  const stop = callAttention("207 calls");
  const seen = [document.title];
  context.mock.timers.tick(1000);
  seen.push(document.title);
  document.title = "Report";
  context.mock.timers.tick(1000);
  seen.push(document.title);
  stop();
  assert.deepEqual([...seen, document.title], ["☎ 207 calls", "Untitled", "☎ 207 calls", "Report"]);
  context.mock.timers.tick(5000);
  assert.equal(document.title, "Report");
});

for (const [permission, focus, shown] of [["granted", false, 1], ["granted", true, 0], ["denied", false, 0]]) {
  test(`a notification: ${permission}, page ${focus ? "in" : "out of"} focus`, () => {
    const notes = [];
    globalThis.document = { title: "Untitled", hasFocus: () => focus };
    globalThis.Notification = class {
      static permission = permission;
      constructor(text) { notes.push({ text, closed: false }), (this.note = notes.at(-1)); }
      close() { this.note.closed = true; }
    };
    callAttention("<b>207</b> calls")();
    assert.deepEqual(notes, Array(shown).fill({ text: "<b>207</b> calls", closed: true }));
  });
}
