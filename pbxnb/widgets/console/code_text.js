/*
 * A frame as text for people who program: indented JSON, Python, JavaScript. Strangers' texts stay inside quoted strings.
 */

/** A string literal that is right in JSON, Python and JavaScript, harmless in HTML and in a terminal. @param {string} text */
export function quoted(text) {
  const escape = (/** @type {string} */ unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // Controls, "<", line separators and what turns the direction of text around.
  return JSON.stringify(text).replace(/[<\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, escape);
}

/**
 * @param {any} value
 * @param {{true: string, false: string, null: string}} words
 * @param {string} [indent]
 * @returns {string}
 */
function literal(value, words, indent = "") {
  if (value === null) return words.null;
  if (value === true) return words.true;
  if (value === false) return words.false;
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return JSON.stringify(value);
  const inner = `${indent}  `, list = Array.isArray(value);
  const parts = list ? value.map((one) => literal(one, words, inner)) : Object.entries(value).map(([key, one]) => `${quoted(key)}: ${literal(one, words, inner)}`);
  const [open, close] = list ? "[]" : "{}";
  if (!parts.length) return open + close;
  const short = `${open}${parts.join(", ")}${close}`;
  return short.length + indent.length <= 100 && !short.includes("\n") ? short : `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

const JSON_WORDS = { true: "true", false: "false", null: "null" };
const PYTHON_WORDS = { true: "True", false: "False", null: "None" };

/**
 * A frame in three languages; a frame that is no JSON is quoted as it is.
 * @param {string} text
 * @param {"in" | "out"} direction
 * @returns {{json: string, python: string, javascript: string}}
 */
export function inLanguages(text, direction) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    const string = quoted(text);
    return { json: text, python: `text = ${string}`, javascript: `const text = ${string};` };
  }
  const json = literal(value, JSON_WORDS), python = literal(value, PYTHON_WORDS);
  return direction === "out"
    ? { json, python: `await pbx.send(${python})`, javascript: `socket.send(JSON.stringify(${json}));` }
    : { json, python: `message = ${python}`, javascript: `const message = ${json};` };
}
