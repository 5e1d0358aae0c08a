// What a tile says in words.
import assert from "node:assert/strict";
import test from "node:test";
import { doing, otherText, spell } from "../../pbxnb/widgets/grid/grid_tile.js";

const row = (fields) => ({ state: "idle", inferred: false, other: "", wish: "", ...fields });

test("direction and other party, seen from the extension", () => {
  assert.equal(otherText(">x+1 555 0100"), "→ +1 555 0100");
  assert.equal(otherText("<i207 Ann"), "← 207 Ann");
  assert.equal(otherText(""), "");
});

test("doing: a word, the party in a call, the wish when there is none", () => {
  assert.equal(doing(row({ state: "busy", other: "<i207 Ann", wish: "away" })), "In call ← 207 Ann");
  assert.equal(doing(row({ wish: "in a meeting" })), "Idle · in a meeting");
  assert.equal(doing(row({ state: "busy", inferred: true })), "In call ?");
});

test("only what is going on is timed to the second", () => {
  assert.deepEqual(["idle", "offline", "busy", "ringing"].map((state) => spell(state, 59)), ["< 1 m", "< 1 m", "0:59", "0:59"]);
  assert.deepEqual(["idle", "held"].map((state) => spell(state, 134)), ["2 m", "2:14"]);
  assert.deepEqual(["idle", "held"].map((state) => spell(state, 8, true)), ["", "0:08"]); // at least so long
});
