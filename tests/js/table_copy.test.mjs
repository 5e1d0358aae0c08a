// Rows as text: formulas of strangers stay text, numbers of phones stay numbers, quotes as spreadsheets read them.
import assert from "node:assert/strict";
import test from "node:test";
import { csv, harmless, tabbed } from "../../pbxnb/ui/table_copy.js";

test("what begins like a formula is none any more; a phone number and a count never were", () => {
  for (const formula of ["=1+1", "+1+cmd|' /C calc'!A0", "-A1", "@SUM(A1)", "\t=1", "\r=1"]) assert.equal(harmless(formula), `'${formula}`);
  for (const plain of ["+1 (555) 01-00", "+442079460018", "Ann = Bo", "", "محمد", -5, 12]) assert.equal(harmless(plain), String(plain));
});

test("CSV quotes what holds a comma, a quote or a line, and ends each row", () => {
  assert.equal(csv([["Name", "Talk"], ['Ann "A" Lee, Sales', 12], ["two\nlines", 0]]), 'Name,Talk\r\n"Ann ""A"" Lee, Sales",12\r\n"two\nlines",0\r\n');
});

test("with tabs between them cells stay in their column and rows in their line", () => {
  assert.equal(tabbed([["a\tb", "c\r\nd", "=e"], [1, "", 2]]), "a b\tc d\t'=e\n1\t\t2");
});
