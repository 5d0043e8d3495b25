// @ts-check
/**
 * View 3's questions, for a sentence or a series: what is asked about, how it reads the memory, and
 * what each earlier step has to do with it. `at` is the step from which we look back.
 *
 * @typedef {object} Answer
 * @property {Float64Array|null} survival  (at+1) share of what each step wrote that is still there
 * @property {Float64Array|null} ledger    (at+1) what the output owes to each step
 * @property {Float64Array} occlusion      (at+1) what the output loses without each step
 * @property {number} error  by how much the ledger does not add up, relative
 */

import { medianReader, readForecast, windowInput } from "./forecaster.js";
import { hasMemory, ledger, readout, shareKept } from "./memory.js";
import { forward, linear, softmax } from "./net/forward.js";
import { random } from "./net/random.js";
import { write } from "./net/stepping.js";
import { shown } from "./tokenizer.js";
import { logProbability, withoutStep, withoutWord } from "./occlusion.js";

/**
 * Logits of the next token after step `at`; after the last one, of those that begin with what the
 * reader left (see `splitEnd`).
 */
export function nextLogits(model, record, at, left = "") {
  const logits = record.said(at);
  if (left && at === record.T - 1)
    model.vocab.forEach((token, id) => {
      if (!token.startsWith(left)) logits[id] = -Infinity;
    });
  return logits;
}

/** Probabilities of the next token after step `at`, the likeliest first (see `nextLogits`). */
export function nextWords(model, record, at, left = "") {
  const chances = softmax(nextLogits(model, record, at, left));
  return Array.from(chances, (probability, id) => ({
    id,
    probability,
    text: shown(model.vocab[id]),
  })).sort((a, b) => b.probability - a.probability);
}

/**
 * About the word `target` after step `at` of a sentence.
 * @returns {Generator<void, Answer>} slices.js runs it
 */
export function* askSentence(model, record, ids, at, target) {
  const whole = logProbability(model, topRow(model, record, at), target);
  const occlusion = new Float64Array(at + 1).fill(NaN);
  const first = model.meta.tokenizer.begin === null ? 0 : 1; // where a line begins is no word
  for (let t = first; t <= at; t++) {
    yield;
    occlusion[t] = yield* withoutWord(model, record, ids, at, t, target, whole);
  }
  return { ...accounts(record, at, wordReader(model, target)), occlusion };
}

/**
 * About the median `ahead` steps after step `at` of a series.
 * @returns {Generator<void, Answer>} slices.js runs it
 */
export function* askSeries(model, input, record, at, ahead) {
  const median = (window, run) => {
    const row = readForecast(model, window, run, at).quantiles[ahead];
    return row[(row.length - 1) / 2];
  };
  const whole = median(input, record);
  const occlusion = new Float64Array(at + 1).fill(NaN);
  for (let t = 0; t <= at; t++) {
    if (input.scaled.age[t] < 0) continue;
    let changed = 0;
    for (const series of withoutStep(input, t, model.meta.shape.patch)) {
      yield;
      const window = windowInput(model, input, series);
      changed += whole - median(window, forward(model, window.x));
    }
    occlusion[t] = changed / 2;
  }
  return { ...accounts(record, at, medianReader(model, input, record, at, ahead)), occlusion };
}

function accounts(record, at, reader) {
  const layer = record.layers[record.layers.length - 1];
  if (!hasMemory(layer)) return { survival: null, ledger: null, error: 0 };
  const survival = shareKept(layer, at);
  if (!reader) return { survival, ledger: null, error: 0 };
  const owed = ledger(layer, at, reader);
  const sum = owed.reduce((total, value) => total + value, 0);
  const size = owed.reduce((total, value) => total + Math.abs(value), 0);
  const error = Math.abs(sum - readout(layer, at, reader)) / Math.max(size, 1e-300);
  return { survival, ledger: owed, error };
}

/** A word's row of the head less the mean row: a score counts only beside the other words'. */
function wordReader(model, target) {
  const { weight, inputs, outputs } = model.head;
  return Float64Array.from(
    { length: inputs },
    (_, u) => weight[target * inputs + u] - meanRow()[u],
  );
  function meanRow() {
    if (!means.has(weight)) {
      const mean = new Float64Array(inputs);
      for (let k = 0; k < weight.length; k++) mean[k % inputs] += weight[k] / outputs;
      means.set(weight, mean);
    }
    return means.get(weight);
  }
}

const means = new WeakMap();

const topRow = (model, record, at) =>
  record.top.subarray(at * model.hiddenSize, (at + 1) * model.hiddenSize);

/**
 * The baseline: the same three numbers for sentences of the same length that the model writes
 * itself, averaged position by position. What depends on position alone shows here.
 * @returns {Generator<void, Record<string, Float64Array>>}
 */
export function* positionBaseline(model, length, count) {
  /** @type {[string, Float64Array][]} */
  const sums = ["survival", "ledger", "occlusion"].map((name) => [name, new Float64Array(length)]);
  for (let k = 0; k < count; k++) {
    const ids = yield* write(model, { length, draw: random(k + 1) });
    const record = forward({ ...model, head: null }, ids);
    const target = bestWord(model, topRow(model, record, length - 1));
    const answer = yield* askSentence(model, record, ids, length - 1, target);
    for (const [name, sum] of sums)
      answer[name]?.forEach((value, t) => {
        sum[t] += value / count;
      });
  }
  return Object.fromEntries(sums);
}

function bestWord(model, state) {
  const logits = linear(model.head, Float64Array.from(state));
  return logits.indexOf(Math.max(...logits));
}
