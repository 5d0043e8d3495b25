// @ts-check
/**
 * What the prediction loses when a step is taken away: the network runs again without it, from
 * that step on. A measurement, unlike the ledger, which is an account.
 *
 * A word is replaced by each of several others and the effects are averaged; a step of a series
 * is taken as missing, and as a repetition of the step before.
 */

import { emptyRecord, linear, runLayer, stateBefore } from "./net/forward.js";
import { random } from "./net/random.js";

const STAND_INS = 5; // words that stand in for a word, in turn
const PIECE = 64; // steps that are read without a pause
const COMMON = 400; // they are drawn from the most frequent words

/**
 * (H,) what the head reads at step `at`, when the first layer reads other rows from `from` on; a few
 * steps at a time through all layers.
 * @returns {Generator<void, Float64Array>}
 */
function* stateFrom(model, record, rows, from, at) {
  let states = record.layers.map((layer) => stateBefore(layer, from));
  let input = rows;
  for (let start = from; start <= at; start += PIECE) {
    if (start > from) yield;
    const count = Math.min(PIECE, at + 1 - start);
    const { inputs } = model.layers[0];
    input = rows.subarray((start - from) * inputs, (start - from + count) * inputs);
    states = model.layers.map((layer, k) => {
      const run = runLayer(layer, input, { ...emptyRecord(layer, count), ...states[k] });
      const below = input;
      input = model.residual ? run.hidden.map((value, j) => value + below[j]) : run.hidden;
      return stateBefore(run, count);
    });
  }
  return input.subarray(-model.hiddenSize);
}

/** Log-probability of a token, from the state that the head reads. */
export function logProbability(model, state, token) {
  const logits = linear(model.head, Float64Array.from(state));
  let top = -Infinity;
  for (const value of logits) top = Math.max(top, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - top);
  return logits[token] - top - Math.log(sum);
}

/**
 * How much less (in nats) the model believes in `target` after step `at` without word t.
 * @returns {Generator<void, number>} mean over the stand-ins
 */
export function* withoutWord(model, record, ids, at, t, target, whole) {
  const { inputs, weight } = model.embedding;
  let lost = 0;
  const others = standIns(model, ids[t], t);
  for (const other of others) {
    yield;
    const rows = record.layers[0].input.slice(t * inputs, (at + 1) * inputs);
    rows.set(weight.subarray(other * inputs, (other + 1) * inputs));
    const state = yield* stateFrom(model, record, rows, t, at);
    lost += whole - logProbability(model, state, target);
  }
  return lost / others.length;
}

/** The same few words each time, so that the numbers do not flicker. */
function standIns(model, own, t) {
  const draw = random(own * 977 + t + 1);
  const found = new Set();
  const { begin } = model.meta.tokenizer;
  const common = Math.min(COMMON, model.vocab.length);
  const choices = common - new Set([own, begin].filter((word) => word < common)).size;
  while (found.size < Math.min(STAND_INS, choices)) {
    // a small vocabulary has fewer
    const word = draw.integer(common);
    if (word !== own && word !== begin) found.add(word);
  }
  return [...found];
}

/** The series of an input without step t: as missing, and as a repetition of the step before. */
export function withoutStep(input, t, size) {
  const missing = Float64Array.from(input.series);
  const repeated = Float64Array.from(input.series);
  for (let k = t * size; k < (t + 1) * size; k++) {
    missing[k] = NaN;
    repeated[k] = input.series[Math.max(k - size, 0)];
  }
  return [missing, repeated];
}
