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

import { medianReader, readForecast } from "./forecaster.js";
import { hasMemory, ledger, readout, shareKept } from "./memory.js";
import { forward, linear, softmax } from "./net/forward.js";
import { random } from "./net/random.js";
import { shown } from "./tokenizer.js";
import { logProbability, windowInput, withoutStep, withoutWord } from "./occlusion.js";

/**
 * Probabilities of the next token after step `at`, the likeliest first; after the last one, of those
 * that begin with what the reader left (see `splitEnd`).
 */
export function nextWords(model, record, at, left = "") {
  const logits = record.output.slice(at * model.head.outputs, (at + 1) * model.head.outputs);
  if (left && at === record.T - 1)
    model.vocab.forEach((token, id) => {
      if (!token.startsWith(left)) logits[id] = -Infinity;
    });
  const chances = softmax(logits);
  return Array.from(chances, (probability, id) => ({
    id,
    probability,
    text: shown(model.vocab[id]),
  })).sort((a, b) => b.probability - a.probability);
}

/** @returns {Answer} about the word `target` after step `at` of a sentence */
export function askSentence(model, record, ids, at, target) {
  const whole = logProbability(model, topRow(model, record, at), target);
  const occlusion = Float64Array.from({ length: at + 1 }, (_, t) =>
    t === 0 ? NaN : withoutWord(model, record, ids, at, t, target, whole),
  );
  return { ...accounts(record, at, wordReader(model, target)), occlusion };
}

/** @returns {Answer} about the median `ahead` steps after step `at` of a series */
export function askSeries(model, input, record, at, ahead) {
  const median = (window, run) => {
    const row = readForecast(model, window, run, at).quantiles[ahead];
    return row[(row.length - 1) / 2];
  };
  const whole = median(input, record);
  const occlusion = Float64Array.from({ length: at + 1 }, (_, t) => {
    if (input.scaled.age[t] < 0) return NaN;
    const changed = withoutStep(input, t, model.meta.shape.patch).map((series) => {
      const window = windowInput(model, input, series);
      return whole - median(window, forward(model, window.x));
    });
    return (changed[0] + changed[1]) / 2;
  });
  return { ...accounts(record, at, medianReader(model, input, record, at, ahead)), occlusion };
}

function accounts(record, at, reader) {
  const layer = record.layers[record.layers.length - 1];
  if (!hasMemory(layer)) return { survival: null, ledger: null, error: 0 };
  const owed = ledger(layer, at, reader);
  const sum = owed.reduce((total, value) => total + value, 0);
  const size = owed.reduce((total, value) => total + Math.abs(value), 0);
  const error = Math.abs(sum - readout(layer, at, reader)) / Math.max(size, 1e-300);
  return { survival: shareKept(layer, at), ledger: owed, error };
}

/** A word's row of the head less the mean row: a score counts only beside the other words'. */
export function wordReader(model, target) {
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
 */
export async function positionBaseline(model, length, count, canceled) {
  /** @type {[string, Float64Array][]} */
  const sums = ["survival", "ledger", "occlusion"].map((name) => [name, new Float64Array(length)]);
  for (let k = 0; k < count; k++) {
    await new Promise((resolve) => setTimeout(resolve));
    if (canceled()) return null;
    const ids = writeSentence(model, length, random(k + 1));
    const record = forward({ ...model, head: null }, ids);
    const target = bestWord(model, topRow(model, record, length - 1));
    const answer = askSentence(model, record, ids, length - 1, target);
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

/** Word by word, drawn by the model's own probabilities; it may not end before its length. */
function writeSentence(model, length, draw) {
  const ids = [model.meta.tokenizer.begin];
  let run = forward({ ...model, head: null }, ids);
  while (ids.length < length) {
    const logits = linear(model.head, Float64Array.from(topRow(model, run, ids.length - 1)));
    logits[model.meta.tokenizer.begin] = -Infinity;
    let rest = draw.uniform();
    const next = softmax(logits).findIndex((chance) => (rest -= chance) < 0);
    ids.push(Math.max(next, 0));
    run = forward({ ...model, head: null }, ids);
  }
  return ids;
}
