// The logic of the call list: changes, times, limits, tabs, and an order that stands still.
import assert from "node:assert/strict";
import test from "node:test";

import { HEADS, ROW, arrange, cellsOf, late, leastOf, appearance, merge, neighbour, tally, times, visible } from "../../pbxnb/widgets/call_list/call_rows.js";

const row = (id, phase = "talking", more = {}) => {
  const state = { talking: "connected", queued: "ringing" }[phase] || phase;
  const made = [id, id, state, phase, "+15550100", "207 Ann", "in", "", 7, 10, 0, 100, "", 1, Number(id), ""];
  for (const [name, value] of Object.entries(more)) made[ROW[name]] = value;
  return made;
};
const rowsOf = (...made) => new Map(made.map((one) => [one[0], one]));
const all = () => true;

test("rows come whole, change by index, and go", () => {
  const rows = rowsOf(row("1"), row("2"));
  const touched = merge(rows, { rows: [row("3")], edits: [["1", ROW.state, "held", ROW.phase, "held"], ["9", 2, "x"]], gone: ["2"] });
  assert.deepEqual([...touched].sort(), ["1", "2", "3"]);
  assert.equal(rows.get("1")[ROW.state], "held");
  assert.deepEqual([...rows.keys()], ["1", "3"]);
});

test("a row as cells: number and name apart, times in whole seconds", () => {
  const made = row("1", "talking", { to: "207\tAnn Lee", via: "Queue 700", ring: 7.4 });
  assert.deepEqual(cellsOf(made, 130), ["Talking", "+15550100", "", "207", "Ann Lee", "incoming", "Queue 700", 7, 40, 0]);
  assert.equal(cellsOf(made, 130).length, HEADS.length);
});

test("only the time of the present phase runs", () => {
  assert.deepEqual(times(row("1"), 130), { ring: 7, talk: 40, hold: 0 });
  assert.deepEqual(times(row("1", "ringing"), 130), { ring: 37, talk: 10, hold: 0 });
  assert.deepEqual(times(row("1", "parked"), 130), { ring: 7, talk: 10, hold: 30 });
  assert.deepEqual(times(row("1", "queued", { state: "connected" }), 130), { ring: 37, talk: 10, hold: 0 }, "music is no talk");
  assert.deepEqual(times(row("1", "menu", { state: "connected" }), 130), { ring: 7, talk: 10, hold: 0 });
  assert.deepEqual(times(row("1", "ended"), 130), { ring: 7, talk: 10, hold: 0 });
  const seen = { since: -100 };
  assert.deepEqual([leastOf(row("1")), leastOf(row("1", "held", seen)), leastOf(row("1", "ended", seen))], ["", "hold", ""]);
  assert.equal(times(row("1", "held", seen), 130).hold, 30, "at least since it was seen");
  assert.equal(late(row("1", "held", seen), 130, { ring: 0, hold: 20 }), "hold");
  assert.equal(times(row("1"), 90).talk, 10, "a clock that is behind takes nothing away");
});

test("too long is judged by the present phase and a settable limit", () => {
  const limits = { ring: 30, hold: 60 };
  assert.equal(late(row("1", "ringing"), 129, limits), "");
  assert.equal(late(row("1", "ringing"), 131, limits), "ring");
  assert.equal(late(row("1", "queued"), 131, limits), "ring");
  assert.equal(late(row("1", "held"), 161, limits), "hold");
  assert.equal(late(row("1", "parked"), 161, limits), "hold");
  assert.equal(late(row("1"), 9999, limits), "");
  assert.equal(late(row("1", "ringing"), 9999, { ring: 0, hold: 0 }), "");
});

test("tabs count open conversations, each once", () => {
  const counts = tally([row("1"), row("2", "queued"), row("3", "ended"), row("4", "held")]);
  assert.deepEqual([counts.all, counts.talking, counts.queued, counts.held, counts.ringing], [3, 1, 1, 1, 0]);
});

test("a row belongs to its tab and to every word; an ended one lingers where it was", () => {
  assert.ok(visible(row("1"), "talking", "ann 0100"));
  assert.ok(!visible(row("1"), "talking", "ann bob"));
  assert.ok(!visible(row("1"), "held", ""));
  assert.ok(visible(row("1", "ended"), "held", ""));
  assert.ok(visible(row("1"), "all", ""));
});

test("new calls come at the end, by start", () => {
  assert.deepEqual(arrange([], rowsOf(row("3"), row("1"), row("2")), all, false), ["1", "2", "3"]);
});

test("while somebody points nothing moves or goes, and new calls come at the end", () => {
  const shown = ["1", "2", "3"], rows = rowsOf(row("3"), row("0"), row("1", "held"));
  assert.deepEqual(arrange(shown, rows, (one) => one[ROW.phase] === "talking", true), ["1", "2", "3", "0"]);
  assert.deepEqual(arrange(shown, rows, all, false), ["0", "1", "3"]);
  assert.deepEqual(arrange(shown, rows, all, true, 2), ["0", "1", "3"], "but not without bound");
});

test("the focus goes to the row that took the place of the one that went", () => {
  assert.equal(neighbour(["1", "2", "3"], ["1", "3"], "2"), "3");
  assert.equal(neighbour(["1", "2", "3"], ["1"], "3"), "1");
  assert.equal(neighbour(["1"], [], "1"), "");
  assert.equal(neighbour([], ["5"], ""), "5");
  assert.equal(neighbour(["1", "2"], ["2", "1"], "1"), "1");
});

test("every phase has a shape and a word, and an unknown one has them too", () => {
  assert.equal(appearance(row("1", "parked")).word, "Parked");
  assert.equal(appearance(row("1", "ended")).word, "Ended");
  assert.equal(appearance(row("1", "juggling")).word, "Other");
});
