// @ts-check
// Networks that were trained in the page, as models of the other views: each number beside what the
// training itself says, or beside the network read over the longer sequence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { following, stepOf } from "../../../src/carrousel/web/static/following.js";
import {
  medianReader,
  moveObservation,
  readForecast,
  readSeries,
  upTo,
} from "../../../src/carrousel/web/static/forecaster.js";
import { askSentence, askSeries } from "../../../src/carrousel/web/static/asking.js";
import { forward } from "../../../src/carrousel/web/static/net/forward.js";
import { readPasted } from "../../../src/carrousel/web/static/net/pasted.js";
import { Session } from "../../../src/carrousel/web/static/net/session.js";
import {
  adding,
  heldOf,
  recall,
  series,
  sine,
} from "../../../src/carrousel/web/static/net/tasks.js";
import { storedSeries } from "../../../src/carrousel/web/static/own-series.js";
import { reachOf } from "../../../src/carrousel/web/static/plain-series.js";
import { finished } from "../../../src/carrousel/web/static/slices.js";
import { readSentence } from "../../../src/carrousel/web/static/tokenizer.js";
import { trainedModels } from "../../../src/carrousel/web/static/trained.js";

const KINDS = ["rnn", "gru", "lstm"];
const VALUES = Array.from({ length: 60 }, (_, t) => (t === 50 ? NaN : 100 + t + 20 * Math.sin(t)));

/** A session that has learned a little. */
function session(task) {
  const options = { kinds: KINDS, hidden: 5, seed: 3, forgetBias: 1 };
  const found = new Session(task, { ...options, optimizer: "adam" });
  found.work(Infinity, 0.01, 2);
  return found;
}

const inputOf = (model) =>
  model.meta.task === "language"
    ? readSentence(model, model.meta.opening)
    : readSeries(model, 0, null, model.meta.plain && model.meta.shape.steps);

for (const [name, task] of Object.entries({ recall: recall(8), adding: adding(9), sine: sine(10) }))
  test(`${name}: the model says what the trained network says to its example`, async () => {
    const learned = session(task);
    const models = await trainedModels(learned);
    assert.deepEqual(
      models.map(({ name }) => name),
      KINDS.map((kind) => `trained-${kind}`),
    );
    models.forEach((model, k) => {
      const record = forward(model, inputOf(model).x);
      const { record: run, output } = learned.trainers[k].run(learned.example);
      assert.deepEqual([...record.hidden], [...run.hidden]);
      assert.deepEqual([...record.output], [...output]);
    });
  });

test("the model is a copy: training goes on without it", async () => {
  const learned = session(sine(10));
  const [model] = await trainedModels(learned);
  const before = [...model.layers[0].weight_hh];
  learned.work(Infinity, 0.01, 1);
  assert.deepEqual([...model.layers[0].weight_hh], before);
  assert.notDeepEqual([...learned.trainers[0].layer.weight_hh], before);
});

test("further ahead the network reads what it said: as over the longer sequence", async () => {
  const learned = session(series(VALUES, 12, heldOf(VALUES)));
  for (const model of await trainedModels(learned)) {
    const { center, scale, shape } = model.meta;
    const input = readSeries(model, 0);
    const { quantiles } = readForecast(model, input, forward(model, input.x), 11);
    const rows = input.x.map(([value]) => value);
    for (let j = 0; j < shape.h; j++) {
      const said = forward(
        model,
        rows.map((value) => [value]),
      ).said(rows.length - 1)[0];
      assert.ok(Math.abs(quantiles[j][5] - (center + scale * said)) < 1e-9);
      rows.push(said);
    }
  }
});

test("a hole is read as the last known value, also one before the window", async () => {
  const [model] = await trainedModels(session(series(VALUES, 8, 12)));
  const { center, scale } = model.meta;
  const at = upTo(model, readSeries(model, 0), 58); // its first observation is the hole at 50
  assert.deepEqual(at.x[0], [(VALUES[49] - center) / scale]);
  assert.deepEqual(
    at.scaled.age.map((age) => age >= 0),
    [false, ...Array(7).fill(true)],
  );
  const moved = moveObservation(model, at, 50, 7);
  assert.deepEqual(moved.x[0], [(7 - center) / scale]);
});

test("what is held back is not learned from, and forecasts are measured there", async () => {
  const held = heldOf(VALUES);
  assert.equal(held, 12);
  const task = series(VALUES, 10, held);
  const learned = VALUES.slice(0, 48);
  assert.ok(Math.abs(task.center - learned.reduce((a, b) => a + b) / 48) < 1e-9);
  const last = /** @type {any} */ ({ integer: (count) => count - 1 }); // draws the last window
  const other = series([...learned, ...Array(12).fill(1e6)], 10, held);
  assert.deepEqual(other.draw(last), task.draw(last));
  const [model] = await trainedModels(session(task));
  const { backtest, shape, reach } = model.meta;
  const errors = { carrousel: [], naive: [] };
  for (let end = 48; end < 60; end++) {
    const input = upTo(model, readSeries(model, 0), end);
    const { quantiles } = readForecast(model, input, forward(model, input.x), 9);
    const now = Number.isNaN(VALUES[end - 1]) ? VALUES[end - 2] : VALUES[end - 1];
    for (let j = 0; j < shape.h; j++) {
      if (!Number.isFinite(VALUES[end + j])) continue;
      errors.carrousel.push(Math.abs(VALUES[end + j] - quantiles[j][5]));
      errors.naive.push(Math.abs(VALUES[end + j] - now));
    }
  }
  for (const { name, mae } of backtest.rows) {
    const mean = errors[name].reduce((a, b) => a + b) / errors[name].length;
    assert.ok(Math.abs(mae - mean) < 1e-9, name);
  }
  for (const row of reach) {
    assert.equal(row[5], 0);
    row.forEach((far, q) => assert.ok(q === 0 || far >= row[q - 1]));
  }
});

test("intervals are as wide as so large a share of the errors was", () => {
  const errors = [Array.from({ length: 11 }, (_, k) => (k % 2 ? k : -k))];
  assert.deepEqual(reachOf(errors, [0.1, 0.5, 0.75, 1]), [[-8, 0, 5, 10]]);
  assert.deepEqual(reachOf([[], []], [0.1, 0.5, 0.9]), [
    [-0, 0, 0],
    [-0, 0, 0],
  ]);
});

test("a series whose known values are nearly all at its end is learned whole", () => {
  assert.equal(heldOf([...Array(48).fill(NaN), ...Array(12).fill(1)]), 0);
});

test("the account of the next value adds up; further ahead there is none", async () => {
  const [, , lstm] = await trainedModels(session(series(VALUES, 12, 12)));
  const input = readSeries(lstm, 0);
  const record = forward(lstm, input.x);
  const answer = finished(askSeries(lstm, input, record, 11, 0));
  assert.ok(answer.error < 1e-12);
  const slope = lstm.meta.scale * lstm.head.weight[2];
  assert.equal(medianReader(lstm, input, record, 11, 0)[2], slope);
  const further = finished(askSeries(lstm, input, record, 11, 3));
  assert.equal(further.ledger, null);
  assert.ok(further.survival[11] === 1 && further.occlusion.some((value) => value !== 0));
});

test("letters have no sign that begins them: the first one counts", async () => {
  const [model] = await trainedModels(session(recall(6)));
  const input = readSentence(model, "Bwxyzw?");
  assert.deepEqual(input.x, [1, 4, 5, 6, 7, 4]);
  const { occlusion } = finished(askSentence(model, forward(model, input.x), input.x, 5, 1));
  assert.ok(occlusion.every(Number.isFinite));
  assert.equal(readSentence(model, "?").x.length, 0);
});

/** @type {[string, string[], string[]][]} */
const DATES = [
  ["days", ["2024-02-27", "2024-02-28"], ["2024-02-29", "2024-03-01"]],
  ["months", ["2023-10-01", "2023-11-01", "2023-12-01"], ["2024-01-01", "2024-02-01"]],
  ["months alone", ["2023-11", "2023-12"], ["2024-01", "2024-02"]],
  ["years", ["2022-01-01", "2023-01-01"], ["2024-01-01", "2025-01-01"]],
  ["hours", ["2024-02-28 22:00", "2024-02-28 23:00"], ["2024-02-29 00:00", "2024-02-29 01:00"]],
  ["no rule", ["2024-01-01", "2024-01-02", "2024-01-05"], ["+1", "+2"]],
  ["day before month, which may be the other way", ["01/02/2024", "02/02/2024"], ["+1", "+2"]],
];
for (const [name, times, expected] of DATES)
  test(`the dates that follow: ${name}`, () => assert.deepEqual(following(times, 2), expected));

test("daily and monthly dates follow each other in different steps", () => {
  assert.notEqual(stepOf(["2024-01-01", "2024-01-02"]), stepOf(["2024-01-01", "2024-02-01"]));
  assert.equal(stepOf(["1", "2"]), null);
});

test("a pasted series with holes and dates, as a forecaster keeps it", () => {
  const lines = VALUES.slice(0, 20).map((_, k) => `2024-01-${String(k + 1).padStart(2, "0")};${k}`);
  lines[7] = lines[7].replace(/;.*/, ";");
  const stored = storedSeries(readPasted(lines.join("\n")), 2);
  assert.ok(Number.isNaN(stored.y[7]) && stored.y[8] === 8);
  assert.deepEqual(stored.future, ["2024-01-21", "2024-01-22"]);
  assert.equal(stored.nonnegative, true);
  assert.equal(storedSeries({ values: [-1, 2.5], times: null }, 1).nonnegative, false);
});
