// The logic of the queue board: which rows there are, and in which order.
import assert from "node:assert/strict";
import test from "node:test";

import { linesOf, shapeOf, waitingText } from "../../pbxnb/widgets/queue_board/queue_rows.js";

const agent = (number, state = "idle", loggedIn = true) => [number, "", state, "", 0, 0, 0, loggedIn];
const queues = {
  600: { agents: [agent("201"), agent("202", "busy")], callers: [["7", "+1202\tAnn", 100], ["9", "+1303", -90]] },
  700: { agents: [agent("201")], callers: [] },
};

test("of each queue its head, its agents, who waits by position; an agent of two queues has two rows", () => {
  const lines = linesOf(["700", "600"], queues);
  assert.deepEqual(lines.map((line) => line.key), ["q 700", "a 700 201", "q 600", "a 600 201", "a 600 202", "c 600 7", "c 600 9"]);
  assert.deepEqual(lines.map((line) => line.position), [0, 0, 0, 0, 0, 1, 2]);
  assert.deepEqual(lines.map((line) => line.number), ["700", "201", "600", "201", "202", "", ""]);
});

test("free is who is logged in and idle", () => {
  assert.equal(waitingText(queues[600]), "2 waiting, 1 free");
  assert.equal(waitingText({ agents: [agent("201", "idle", null), agent("202", "idle", false)], callers: [] }), "0 waiting, 0 free");
});

test("every state has a shape", () => {
  assert.deepEqual(["idle", "held", "dnd", "nonsense"].map(shapeOf), ["○", "❚❚", "⊘", "·"]);
});
