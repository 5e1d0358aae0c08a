// The badge's words for ages and gaps. The module ends in an anywidget, which needs no page to be made.
import assert from "node:assert/strict";
import test from "node:test";
import { age, gapText, recordingText } from "../../pbxnb/widgets/badge.js";

test("ages", () => {
  assert.deepEqual([-1, 0.24, 9.6, 200].map(age), ["0.0 s", "0.2 s", "9 s", "3 m"]);
});

test("gaps: how many, and the last one", () => {
  assert.equal(gapText({ gap_count: 0, gaps: [] }, 100), "");
  assert.equal(gapText({ gap_count: 1, gaps: [[60, null]] }, 100), "1 gap (down for 40 s)");
  assert.equal(gapText({ gap_count: 9, gaps: [[1, 2], [10, 44]] }, 164), "9 gaps (last 34 s, 2 m ago)");
});

test("a recording: a shape and a tone of its own for each word, and nothing where there is none", () => {
  assert.equal(recordingText(["", ""]), null);
  const words = ["recording", "behind", "with gaps"].map((word) => recordingText([word, "monday.pbx"]));
  assert.equal(new Set(words.map(({ shape }) => shape)).size, 3);
  assert.equal(words[0].text, "recording to monday.pbx");
  assert.equal(words[1].text, "recording behind: monday.pbx");
});
