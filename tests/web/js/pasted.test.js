// @ts-check
// Series as people paste them: each text beside the numbers that it means.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readPasted, SeriesError } from "../../../src/carrousel/web/static/net/pasted.js";

const half = Array.from({ length: 12 }, (_, k) => k + 0.5);
const large = Array.from({ length: 14 }, (_, k) => 1234.5 + 100.25 * k);
const whole = Array.from({ length: 14 }, (_, k) => 1050 + k);
const english = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });
const german = (value) => value.toLocaleString("de-DE", { maximumFractionDigits: 2 });
const french = (space) => (value) => german(value).replace(".", space);
const day = (k) => `2024-03-${String(k + 1).padStart(2, "0")}`;

/** @type {[string, string, number[]][]} */
const READ = [
  ["lines", half.join("\n"), half],
  ["lines of another system", half.join("\r\n"), half],
  ["commas and spaces", half.join(", "), half],
  ["commas alone", half.join(","), half],
  ["semicolons", half.join(";"), half],
  ["tabs", half.join("\t"), half],
  ["decimal commas by lines", half.join("\n").replaceAll(".", ","), half],
  ["decimal commas by semicolons", half.join(" ; ").replaceAll(".", ","), half],
  ["decimal commas by spaces", half.join(" ").replaceAll(".", ","), half],
  [
    "decimal commas by commas and spaces",
    half.map((v) => String(v).replace(".", ",")).join(", "),
    half,
  ],
  ["English thousands by spaces", large.map(english).join(" "), large],
  ["English thousands by lines", large.map(english).join("\n"), large],
  ["English thousands by semicolons", large.map(english).join(";"), large],
  ["English thousands by commas and spaces", large.map(english).join(", "), large],
  ["German thousands", large.map(german).join(" "), large],
  ["French thousands, narrow space", large.map(french("\u202f")).join(" "), large],
  ["French thousands, no-break space", large.map(french("\u00a0")).join("\n"), large],
  ["French thousands, plain space, lines", large.map(french(" ")).join("\n"), large],
  ["Swiss thousands", large.map((v) => english(v).replace(",", "’")).join(" "), large],
  [
    "whole numbers with zeros after the comma",
    whole.map(english).concat("1,234,567", "2.5").join(" "),
    [...whole, 1234567, 2.5],
  ],
  ["minus signs", half.map((v) => `−${v}`).join(" "), half.map((v) => -v)],
  ["exponents", half.map((v) => `${v}e2`).join(" "), half.map((v) => v * 100)],
  ["quotation marks", half.map((v) => `"${v}"`).join(";"), half],
  ["a name above", `sales\n${half.join("\n")}`, half],
];
for (const [name, text, values] of READ) {
  test(name, () => {
    const found = readPasted(text);
    assert.deepEqual(found.values.length, values.length);
    values.forEach((value, k) =>
      assert.ok(Math.abs(found.values[k] - value) < 1e-9, `${k}: ${found.values[k]}`),
    );
    assert.equal(found.holes, 0);
  });
}

/** @type {[string, string][]} */
const DATED = [
  ["commas", half.map((v, k) => `${day(k)},${v}`).join("\n")],
  [
    "semicolons and decimal commas",
    half.map((v, k) => `${day(k)};${String(v).replace(".", ",")}`).join("\n"),
  ],
  ["tabs", half.map((v, k) => `${day(k)}\t${v}`).join("\n")],
  ["spaces and hours", half.map((v, k) => `${day(k)} 00:00 ${v}`).join("\n")],
  ["names above", `date;value\n${half.map((v, k) => `${day(k)};${v}`).join("\n")}`],
  ["days before months", half.map((v, k) => `${k + 1}/03/2024;${v}`).join("\n")],
];
for (const [name, text] of DATED) {
  test(`dates in a first column, ${name}`, () => {
    const { values, times } = readPasted(text);
    assert.deepEqual(values, half);
    assert.equal(times.length, 12);
    assert.ok(times.every((time) => time.includes("2024")));
  });
}

/** @type {[string, string, number][]} where the hole is */
const HOLES = [
  ["nothing between commas", "1,2,,4,5,6,7,8,9,10,11,12,13", 2],
  ["nothing between semicolons", "1;2;;4;5;6;7;8;9;10;11;12;13", 2],
  ["NaN", "1 2 3 NaN 5 6 7 8 9 10 11 12 13", 3],
  [
    "NA after a date",
    half
      .concat(13)
      .map((v, k) => `${day(k)},${k === 4 ? "NA" : v}`)
      .join("\n"),
    4,
  ],
  [
    "nothing after a date",
    half
      .concat(13)
      .map((v, k) => `${day(k)},${k === 4 ? "" : v}`)
      .join("\n"),
    4,
  ],
];
for (const [name, text, at] of HOLES) {
  test(`a hole stays a hole: ${name}`, () => {
    const { values, holes } = readPasted(text);
    assert.deepEqual([values.length, holes], [13, 1]);
    assert.ok(Number.isNaN(values[at]));
  });
}

test("a comma at the end of a line is no hole", () => {
  assert.equal(readPasted("1,2,3,4,5,6,\n7,8,9,10,11,12,").holes, 0);
});

/** @type {[string, string, string, string][]} */
const REFUSED = [
  ["a word", `${half.join(" ")} x`, "word", "x"],
  ["nothing", "", "few", "0"],
  ["one number", "42", "few", "1"],
  ["too many", Array(5001).fill(1).join(" "), "many", "5001"],
  ["thousands or decimals", Array(14).fill("1,234").join(" "), "ambiguous", "1,234"],
  ["thousands or decimals, by lines", Array(14).fill("1,250").join("\n"), "ambiguous", "1,250"],
  ["a number or a list", Array(14).fill("100,200,300").join("\n"), "ambiguous", "100,200,300"],
  [
    "two numbers after a date",
    half.map((v, k) => `${day(k)};${v};${v}`).join("\n"),
    "columns",
    "0.5;0.5",
  ],
  ["beyond what can be squared", `${half.join(" ")} 1e300`, "word", "1e300"],
  ["both languages at once", `${half.join(";")};1,5`, "word", "1,5"],
];
for (const [name, text, reason, detail] of REFUSED) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => readPasted(text),
      (error) => error instanceof SeriesError && error.reason === reason && error.detail === detail,
    );
  });
}
