// The words of the alert log. The module ends in an anywidget, which needs no page to be made.
import assert from "node:assert/strict";
import test from "node:test";
import { entryText } from "../../pbxnb/widgets/alerts/alerts.js";

test("an entry says what happened, better news included", () => {
  const at = "09:13:20";
  assert.equal(entryText([at, "longest wait", "orange", "ok", "0:20"]), `${at} longest wait is a warning (0:20)`);
  assert.equal(entryText([at, "longest wait", "red", "orange", "1:00"]), `${at} longest wait is an alarm (1:00)`);
  assert.equal(entryText([at, "longest wait", "orange", "red", "0:50"]), `${at} longest wait is back to a warning (0:50)`);
  assert.equal(entryText([at, "longest wait", "ok", "orange", "0:00"]), `${at} longest wait is ok again (0:00)`);
});
