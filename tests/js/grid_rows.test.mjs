// The grid's data: columns in, counts, filters, order, and the cut into lines and blocks.
import assert from "node:assert/strict";
import test from "node:test";
import { HEADS, Rows, arrange, cellsOf, cut, follows } from "../../pbxnb/widgets/grid/grid_rows.js";

const WISH = { filter: "", states: [], sort: "number", groupBy: "" };
const flag = (bits) => String.fromCharCode(48 + bits);
const step = (distance) => String.fromCharCode(35 + distance);

function board() {
  const rows = new Rows();
  rows.full({
    numbers: ["200", "201", "202", "203"], s: "iibr", f: flag(1) + flag(4) + flag(8) + flag(2), b: 1000, t: [30, 20, 10, 0],
    m: [0, "Zoe", 1, "ann", 2, "Bo", 3, "<b>Max</b>"], d: [0, "Sales", 1, "Support", 2, "Sales"], o: [2, ">x+1 555"],
  });
  return rows;
}
const numbers = (groups) => groups.map((group) => [group.label, group.rows.map((row) => row.number)]);

test("the whole state: fields, counts, defaults", () => {
  const rows = board(), [first, second, third, last] = rows.all;
  assert.equal(first.since, 970);
  assert.equal(second.dnd, true);
  assert.equal(third.recording, true);
  assert.equal(last.name, "<b>Max</b>");
  assert.equal(last.type, "extensions");
  assert.deepEqual([rows.counts.idle, rows.counts.busy, rows.counts.ringing, rows.counts.dnd, rows.counts.held], [2, 1, 1, 1, 0]);
});

test("a row as cells: what its tile says, the time in whole seconds, empty where nobody knows it", () => {
  const { all } = board();
  assert.deepEqual(cellsOf(all[1], 1000.4), ["201", "ann", "Idle", "yes", "", "Support", 20]);
  assert.deepEqual(cellsOf(all[2], 1000), ["202", "Bo", "In call", "", "+1 555", "Sales", 10]);
  assert.equal(cellsOf({ ...all[2], since: 0 }, 1000)[6], "");
  assert.equal(cellsOf(all[1], 1000).length, HEADS.length);
});

test("a batch changes only what it names, and the counts follow", () => {
  const rows = board();
  const changed = rows.part({ i: step(1) + step(2), s: "bi", b: 2000, t: 0, m: [1, "Max"] });
  assert.deepEqual(changed.map((row) => row.number), ["201", "203"]);
  assert.equal(rows.all[1].state, "busy");
  assert.equal(rows.all[1].dnd, true); // no flags column: as before
  assert.equal(rows.all[1].name, "ann");
  assert.equal(rows.all[3].name, "Max");
  assert.equal(rows.all[3].since, 2000);
  assert.deepEqual([rows.counts.idle, rows.counts.busy, rows.counts.ringing], [2, 2, 0]);
});

test("a time below zero is since when a state was seen, not since when it is", () => {
  const rows = board();
  rows.part({ i: step(1) + step(2), s: "bi", b: 2000, t: [-1, -31] });
  assert.deepEqual(rows.all.map((row) => [row.since, row.least]), [[970, false], [2000, true], [990, false], [1970, true]]);
  rows.part({ i: step(1) + step(1), s: "bb", b: 2010, t: 5 }); // the same for all
  assert.deepEqual(rows.all.slice(1, 3).map((row) => [row.since, row.least]), [[2005, false], [2005, false]]);
});

test("a new whole state keeps the objects of those who stay and names those who go", () => {
  const rows = board(), kept = rows.byNumber.get("202");
  const gone = rows.full({ numbers: ["199", "202"], s: "ob", f: flag(2) + flag(1), b: 0, t: 0, m: [1, "Bo"] });
  assert.deepEqual(gone.map((row) => row.number), ["200", "201", "203"]);
  assert.equal(rows.byNumber.get("202"), kept);
  assert.equal(kept.index, 1);
  assert.equal(kept.other, "");
  assert.equal(rows.counts.offline, 1);
});

test("text filter: every word, in number, name, department or the other party", () => {
  const rows = board();
  const found = (filter) => arrange(rows.all, { ...WISH, filter }).flatMap((group) => group.rows.map((row) => row.number));
  assert.deepEqual(found("sales"), ["200", "202"]);
  assert.deepEqual(found("sales bo"), ["202"]);
  assert.deepEqual(found("555"), ["202"]);
  assert.deepEqual(found("(.*"), []);
});

test("state filter: any of them, do not disturb on its own axis", () => {
  const rows = board();
  const found = (states) => arrange(rows.all, { ...WISH, states }).flatMap((group) => group.rows.map((row) => row.number));
  assert.deepEqual(found(["ringing"]), ["203"]);
  assert.deepEqual(found(["dnd", "busy"]), ["201", "202"]);
});

test("steps of any length find their rows", () => {
  const rows = new Rows();
  rows.full({ numbers: Array.from({ length: 100_000 }, (_, index) => String(index)), s: "i".repeat(100_000), b: 0, t: 0 });
  const found = (i) => rows.part({ i, s: "b".repeat([...i].length) }).map((row) => row.index);
  assert.deepEqual(found("#\\]\x7f\ud7ff"), [0, 57, 57 + 58, 57 + 58 + 92, 57 + 58 + 92 + 55_260]);
  assert.deepEqual(found("\ue000"), [55_261]); // surrogates are stepped over
  assert.deepEqual(found(String.fromCodePoint(35 + 99_999 + 0x800)), [99_999]);
});

test("a Python predicate leaves rows out", () => {
  const rows = board();
  rows.part({ i: step(2), s: "b", f: flag(32) });
  assert.deepEqual(numbers(arrange(rows.all, WISH)), [["", ["200", "201", "203"]]]);
  assert.deepEqual([rows.counts.all, rows.counts.idle, rows.counts.busy], [3, 2, 0]); // and out of the counts
  rows.part({ i: step(2), s: "b", f: flag(0) });
  assert.deepEqual([rows.counts.all, rows.counts.busy], [4, 1]);
});

test("sorts: by name for people, by state for attention, by time in state", () => {
  const rows = board();
  const order = (sort) => numbers(arrange(rows.all, { ...WISH, sort }))[0][1];
  assert.deepEqual(order("name"), ["203", "201", "202", "200"]);
  assert.deepEqual(order("state"), ["203", "202", "200", "201"]);
  assert.deepEqual(order("since"), ["200", "201", "202", "203"]);
});

test("groups: by label with the nameless last, by state in order of attention", () => {
  const rows = board();
  assert.deepEqual(numbers(arrange(rows.all, { ...WISH, groupBy: "department" })), [["Sales", ["200", "202"]], ["Support", ["201"]], ["", ["203"]]]);
  assert.deepEqual(arrange(rows.all, { ...WISH, groupBy: "state" }).map((group) => group.label), ["Ringing", "In call", "Idle"]);
});

test("only an order that depends on states has to follow them", () => {
  assert.equal(follows(WISH), false);
  assert.equal(follows({ ...WISH, groupBy: "department", sort: "name" }), false);
  assert.equal(follows({ ...WISH, states: ["busy"] }), true);
  assert.equal(follows({ ...WISH, sort: "since" }), true);
});

test("cut: full lines inside a block, a label only where a group begins, no block without a line", () => {
  const rows = Array.from({ length: 130 }, (_, index) => ({ index }));
  const blocks = cut([{ label: "A", rows }, { label: "", rows: rows.slice(0, 1) }], 7);
  assert.deepEqual(blocks.map((block) => [block.label, block.lines.length, block.lines.flat().length]), [["A", 9, 63], ["", 9, 63], ["", 1, 4], ["", 1, 1]]);
  assert.ok(blocks.slice(0, 2).every((block) => block.lines.every((line) => line.length === 7)));
  assert.deepEqual(cut([], 7), []);
  assert.equal(cut([{ label: "", rows }], 500)[0].lines.length, 1);
});
