// @ts-check
// Marks of a time axis and the one scale of what is in one unit.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digitsOf, largestOf, ticks } from "../../../src/carrousel/web/static/components/scales.js";
import { barScale } from "../../../src/carrousel/web/static/components/step-bars.js";
import { timeTicks } from "../../../src/carrousel/web/static/components/time-axis.js";

/** "2011-11-07 08:00", every so many hours. */
const hours = (count, every = 1, start = Date.UTC(2011, 10, 6, 5)) =>
  Array.from({ length: count }, (_, k) =>
    new Date(start + k * every * 3.6e6).toISOString().slice(0, 16).replace("T", " "),
  );
const months = (count) =>
  Array.from(
    { length: count },
    (_, k) => `${2006 + Math.floor(k / 12)}-${String((k % 12) + 1).padStart(2, "0")}-01`,
  );

test("hours of two weeks: marks stand at midnight, none is named twice", () => {
  const times = hours(336);
  const marks = timeTicks(times, 0, 336, 10, "en");
  assert.ok(marks.length >= 5 && marks.length <= 10);
  for (const { at } of marks) assert.match(times[at], / 00:00$/);
  assert.equal(new Set(marks.map(({ text }) => text)).size, marks.length);
  const gaps = marks.slice(1).map(({ at }, k) => at - marks[k].at);
  assert.equal(new Set(gaps).size, 1, "evenly");
});

test("hours of one day are named by hours", () => {
  const marks = timeTicks(hours(24), 0, 24, 10, "en");
  assert.ok(marks.length >= 4);
  assert.match(marks[0].text, /\d{2}:\d{2}/);
});

test("months begin in January where years are marked, whatever the first", () => {
  const times = months(120).slice(3);
  const marks = timeTicks(times, 0, times.length, 6, "fr");
  for (const { at, text } of marks) assert.equal(times[at], `${text}-01-01`);
  assert.ok(marks.length >= 4);
});

test("days are named as the language names them", () => {
  const times = hours(20, 24);
  assert.match(timeTicks(times, 0, 20, 12, "fr")[0].text, /nov/);
  assert.match(timeTicks(times, 0, 20, 12, "en")[0].text, /Nov/);
});

test("steps without dates are counted by round numbers", () => {
  const marks = timeTicks([], 3, 103, 6, "en").map(({ at }) => at);
  assert.deepEqual(marks, [20, 40, 60, 80, 100]);
});

test("bars in one unit share one scale and one zero", () => {
  const { most, y } = barScale({ occlusion: [135.91, NaN, -2], ledger: [11.23, 0, 1] }, 96);
  assert.equal(most, 135.91);
  assert.equal(y(0), 48);
  assert.ok(Math.abs((y(0) - y(135.91)) / (y(0) - y(11.23)) - 135.91 / 11.23) < 1e-9);
  assert.equal(largestOf([NaN], null, [-3, 2]), 3);
});

test("round numbers of an axis", () => {
  assert.deepEqual(ticks(-136, 136), [-100, 0, 100]);
  assert.deepEqual([0.03, 0.4, 7, 136].map(digitsOf), [3, 2, 1, 0]);
});
