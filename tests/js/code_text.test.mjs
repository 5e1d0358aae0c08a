// Frames as code: right in three languages, and no stranger's text gets out of its quotes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";

import { inLanguages, quoted } from "../../pbxnb/widgets/console/code_text.js";

const HOSTILE = ['"; import os; "', "</script><script>", "a\u202eb", "line\nbreak\u2028", "\\", "${x}", "\ud800", "é 𝄞"];

test("a received frame is a value in each language", () => {
  const made = inLanguages('{"a":true,"b":null,"c":[1,"x"]}', "in");
  assert.equal(made.json, '{"a": true, "b": null, "c": [1, "x"]}');
  assert.equal(made.python, 'message = {"a": True, "b": None, "c": [1, "x"]}');
  assert.equal(made.javascript, 'const message = {"a": true, "b": null, "c": [1, "x"]};');
});

test("a sent frame is the line that sends it again", () => {
  const made = inLanguages('{"action":"get-calls"}', "out");
  assert.equal(made.python, 'await pbx.send({"action": "get-calls"})');
  assert.equal(made.javascript, 'socket.send(JSON.stringify({"action": "get-calls"}));');
});

test("long values are indented, and parse to the same", () => {
  const value = { list: Array.from({ length: 40 }, (_, i) => ({ number: String(i), on: i % 2 === 0 })), empty: [{}, []] };
  const made = inLanguages(JSON.stringify(value), "in");
  assert.ok(made.json.includes("\n"));
  assert.deepEqual(JSON.parse(made.json), value);
});

test("what is no JSON is quoted as it is", () => {
  assert.equal(inLanguages("<b>", "in").python, 'text = "\\u003cb>"');
});

for (const text of HOSTILE) {
  test(`a quoted string means the same again: ${JSON.stringify(text)}`, () => {
    assert.equal(JSON.parse(quoted(text)), text);
    assert.equal(new Function(`return ${quoted(text)}`)(), text);
    assert.ok(!/[<\u2028\u202e\n]/.test(quoted(text)));
  });
}

test("Python reads the Python", (t) => {
  const value = { texts: HOSTILE.filter((text) => text !== "\ud800"), yes: true, no: false, none: null, numbers: [1, -2.5, 1e21] };
  const code = inLanguages(JSON.stringify(value), "in").python.replace("message = ", "");
  const python = spawnSync("python3", ["-c", "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.stdin.read())))"], { input: code, encoding: "utf8" });
  if (python.error) return t.skip("no python3 here");
  assert.equal(python.stderr, "");
  assert.deepEqual(JSON.parse(python.stdout), value);
});
