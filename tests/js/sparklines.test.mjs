// The sparklines' paths and words.
import assert from "node:assert/strict";
import test from "node:test";
import { sparkPath, sparkText } from "../../pbxnb/widgets/sparklines/spark.js";

test("a line goes from the left to the right edge, its highest value at the top", () => {
  const { line, area } = sparkPath([0, 5, 10], 10);
  assert.equal(line, "M0.0 26.0L60.0 14.0L120.0 2.0");
  assert.ok(area.startsWith(line) && area.endsWith("L120.0 28L0.0 28Z"));
});

test("it breaks where nothing is known", () => {
  const { line, area } = sparkPath([1, null, 1, 1], 1);
  assert.equal(line.match(/M/g).length, 2);
  assert.equal(area.match(/Z/g).length, 2);
});

test("nothing at all is no path", () => {
  assert.deepEqual(sparkPath([null, null], 0), { line: "", area: "" });
  assert.deepEqual(sparkPath([], 0), { line: "", area: "" });
});

test("words", () => {
  assert.equal(sparkText([1, 7, 3], 900), "1 to 7 in 15 m");
  assert.equal(sparkText([1, null, 3, 3], 3600), "1 to 3 in 1 h, 25 % unknown");
  assert.equal(sparkText([null], 900), "nothing known");
});
