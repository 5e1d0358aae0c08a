// The words of the alert log. The module ends in an anywidget, which needs no page to be made.
import assert from "node:assert/strict";
import test from "node:test";
import { entryText, timeOf } from "../../pbxnb/widgets/alerts/alerts.js";

test("an entry says what happened, better news included", () => {
  const at = 1_700_000_000, time = timeOf(at);
  assert.equal(entryText([at, "longest wait", "orange", "ok", "0:20"]), `${time} longest wait is a warning (0:20)`);
  assert.equal(entryText([at, "longest wait", "red", "orange", "1:00"]), `${time} longest wait is an alarm (1:00)`);
  assert.equal(entryText([at, "longest wait", "orange", "red", "0:50"]), `${time} longest wait is back to a warning (0:50)`);
  assert.equal(entryText([at, "longest wait", "ok", "orange", "0:00"]), `${time} longest wait is ok again (0:00)`);
});
