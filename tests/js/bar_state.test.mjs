// What the command bar knows and says: differences merged, tips, reasons, menus, arrow keys.
import assert from "node:assert/strict";
import test from "node:test";
import { chosenOf, entriesOf, hiddenNow, mergeFacts, moveTo, reasonsOf, tipOf, wordOf } from "../../pbxnb/widgets/command_bar/bar_state.js";

const LABELS = { hold: "Hold", record: "Record", transfer: "Transfer", complete: "Complete" };
const state = (facts) => ({ labels: LABELS, why: {}, ...facts });

test("differences go into what is known, the rest replaces it", () => {
  const known = state({ why: { hold: "Select a call.", record: "" }, calls: { 1: "a", 2: "b" }, busy: ["hold"] });
  mergeFacts(known, { why: { hold: "" }, calls: { 1: null, 3: "c" }, busy: [] });
  assert.deepEqual(known.why, { hold: "", record: "" });
  assert.deepEqual(known.calls, { 2: "b", 3: "c" });
  assert.deepEqual(known.busy, []);
});

test("a button's word follows what it would do, and that it is on its way", () => {
  assert.equal(wordOf(state({ words: { record: "Stop recording" } }), "record"), "Stop recording");
  assert.equal(wordOf(state({ busy: ["hold"] }), "hold"), "Hold …");
});

test("a button says why not, else whom it means", () => {
  const about = { transfer: "target", dnd: "account" };
  assert.equal(tipOf(state({ about, target: "209", why: { transfer: "Select a call." } }), "transfer"), "Select a call.");
  assert.equal(tipOf(state({ about, target: "209" }), "transfer"), "To 209");
  assert.equal(tipOf(state({ about, account: "204" }), "dnd"), "For 204");
  assert.equal(tipOf(state({ about }), "hold"), "");
});

test("the steps of an attended transfer show while there is one", () => {
  assert.ok(hiddenNow(state({}), "complete"));
  assert.ok(hiddenNow(state({ attended: { over: "The first call has ended." } }), "cancel"));
  assert.ok(!hiddenNow(state({ attended: { over: "" } }), "complete"));
  assert.ok(!hiddenNow(state({}), "hold"));
});

test("one reason for everything is a line of its own, and what is hidden gives none", () => {
  const one = state({ why: { hold: "The line is not live.", record: "The line is not live.", complete: "No." } });
  assert.deepEqual(reasonsOf(one), { head: "Why not? The line is not live.", lines: [["", "The line is not live."]] });
  const two = state({ why: { hold: "Select a call.", record: "No.", transfer: "" } });
  assert.deepEqual(reasonsOf(two), { head: "Why some cannot be pressed", lines: [["Hold", "Select a call."], ["Record", "No."]] });
  assert.deepEqual(reasonsOf(state({})).lines, []);
});

test("menus offer what there is and keep what was chosen while it is there", () => {
  const known = state({ calls: { 7: "a → b" }, orbits: [["71", "Orbit 71"]], choices: { when: [["all", "all calls"]] } });
  assert.deepEqual(entriesOf(known, "picked"), [["", "No call"], ["7", "a → b"]]);
  assert.deepEqual(entriesOf(known, "when"), [["all", "all calls"]]);
  assert.deepEqual(entriesOf(known, "queue"), []);
  assert.equal(chosenOf(entriesOf(known, "picked"), "7"), "7");
  assert.equal(chosenOf(entriesOf(known, "picked"), "8"), "");
  assert.equal(chosenOf(entriesOf(known, "orbit"), "99"), "71");
  assert.equal(chosenOf([], "x"), "");
});

test("arrow keys go round, in the direction of the text", () => {
  assert.deepEqual([moveTo("ArrowRight", 2, 3, false), moveTo("ArrowLeft", 0, 3, false), moveTo("ArrowRight", 0, 3, true)], [0, 2, 2]);
  assert.deepEqual([moveTo("Home", 2, 3, false), moveTo("End", 0, 3, false), moveTo("a", 0, 3, false)], [0, 2, -1]);
});
