// @ts-check
// The story's numbers, each beside arithmetic of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BEST,
  errorOf,
  leftBy,
  POINTS,
  slopeOf,
  stepFrom,
} from "../../../src/carrousel/web/static/net/descent.js";
import { random } from "../../../src/carrousel/web/static/net/random.js";
import { Session } from "../../../src/carrousel/web/static/net/session.js";
import { recall } from "../../../src/carrousel/web/static/net/tasks.js";
import {
  BANDS,
  bandEnergies,
  FRAMES,
  PAIRS,
  vowels,
} from "../../../src/carrousel/web/static/net/vowels.js";
import { unitStep } from "../../../src/carrousel/web/static/views/story/gates.js";
import { errors, marketOf, salesOf } from "../../../src/carrousel/web/static/views/story/market.js";
import { answers } from "../../../src/carrousel/web/static/views/story/network.js";
import { progress } from "../../../src/carrousel/web/static/views/story/race.js";
import { flowsOf } from "../../../src/carrousel/web/static/views/story/vanishing.js";

const near = (found, wanted, by = 1e-9) => assert.ok(Math.abs(found - wanted) < by, `${found}`);

test("the slope is that of the error, and a step goes down it", () => {
  for (const w of [-1, 0.3, BEST, 4]) {
    near(slopeOf(w), (errorOf(w + 1e-6) - errorOf(w - 1e-6)) / 2e-6, 1e-6);
    near(stepFrom(w, 0.1), w - 0.1 * slopeOf(w));
  }
  near(slopeOf(BEST), 0);
  near(errorOf(0), (0.9 ** 2 + 1.3 ** 2 + 2.6 ** 2 + 2.8 ** 2) / POINTS.length);
});

for (const rate of [0.05, 0.1, 4 / 15, 0.5, 8 / 15, 0.6])
  test(`a learning rate of ${rate.toFixed(3)}: what a step leaves of the distance`, () => {
    near((stepFrom(3, rate) - BEST) / (3 - BEST), leftBy(rate));
    assert.equal(errorOf(stepFrom(3, rate)) < errorOf(3) - 1e-9, Math.abs(leftBy(rate)) < 1 - 1e-9);
  });

test("without a loop the answer is the same for every letter; with it, it is the letter", () => {
  const [a, b, c] = ["a", "b", "c"].map(answers);
  assert.deepEqual(a.ann, b.ann);
  assert.deepEqual(b.ann, c.ann);
  [a, b, c].forEach(({ rnn }, k) => assert.equal(rnn.indexOf(Math.max(...rnn)), k));
  assert.ok(a.ann.indexOf(Math.max(...a.ann)) === 3);
});

test("the RNN loses the race", () => {
  const kinds = ["rnn", "gru", "lstm"];
  const options = { kinds, hidden: 12, forgetBias: 2, seed: 1 };
  const session = new Session(recall(20), { ...options, optimizer: "adam" });
  assert.deepEqual(
    session.trainers.map((one) => progress(session, one)),
    [0, 0, 0],
  );
  const places = () => session.trainers.map((one) => progress(session, one));
  const arrived = () => places().filter((place) => place === 1).length;
  while (arrived() < 2 && session.updates < 150) session.work(Infinity, 0.01, 1);
  const [rnn, gru, lstm] = places();
  assert.ok(rnn < 0.1 && gru === 1 && lstm === 1);
});

test("an LSTM's gradient vanishes as torch begins, and comes through an open gate", () => {
  assert.ok(flowsOf(0).lstm.norms[0] < 1e-6);
  assert.ok(flowsOf(5).lstm.norms[0] > 0.05);
  assert.equal(flowsOf(0).rnn.norms[0], flowsOf(5).rnn.norms[0]);
});

test("a unit's step: what is kept, added and shown", () => {
  const step = { memory: 2, forget: 0.5, input: 0.25, candidate: -1, output: 0.5 };
  const { kept, added, cell, hidden } = unitStep(step);
  assert.deepEqual([kept, added, cell], [1, -0.25, 0.75]);
  near(hidden, 0.5 * ((Math.exp(1.5) - 1) / (Math.exp(1.5) + 1)));
});

test("vowels differ in their bands, and a pair is asked for at its end", () => {
  const [a, i] = ["a", "i"].map((vowel) => bandEnergies(vowel, 120));
  assert.equal(a.length, BANDS);
  assert.ok(a[4] > i[4] && i[8] > a[8]); // 850 to 1050 Hz, and from 2200 Hz on
  const { inputs, target, pair, turn } = /** @type {any} */ (vowels().draw(random(3)));
  assert.equal(inputs.length, FRAMES * BANDS);
  assert.equal(PAIRS[target[FRAMES - 1]], pair);
  assert.ok(target.slice(0, -1).every(Number.isNaN) && turn > 3 && turn < FRAMES - 2);
  assert.equal(new Set(PAIRS).size, 6);
});

test("a small network learns to hear both vowels", () => {
  const task = vowels();
  const options = { kinds: ["gru"], hidden: 10, seed: 1, forgetBias: 1 };
  const session = new Session(task, { ...options, optimizer: "adam" });
  session.work(Infinity, 0.02, 120);
  const draw = random(99);
  const right = Array.from({ length: 50 }, () => {
    const example = /** @type {any} */ (task.draw(draw));
    const { output } = session.trainers[0].run(example);
    const last = [...output.slice(-PAIRS.length)];
    return PAIRS[last.indexOf(Math.max(...last))] === example.pair;
  });
  assert.ok(right.filter(Boolean).length >= 48);
});

test("a rhythm is learned; “as now” is measured by arithmetic", async () => {
  const values = salesOf(1);
  const found = await errors(values, () => false);
  assert.ok(found.carrousel < found.naive / 3);
  const market = marketOf(1);
  const logs = market.slice(1).map((price, k) => Math.log(price / market[k]));
  near(logs.reduce((sum, one) => sum + one) / logs.length, 0, 0.003);
});
