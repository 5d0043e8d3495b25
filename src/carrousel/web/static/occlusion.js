// @ts-check
/**
 * What the prediction loses when a step is taken away: the network runs again without it, from
 * that step on. A measurement, unlike the ledger, which is an account.
 *
 * A word is replaced by each of several others and the effects are averaged; a step of a series
 * is taken as missing, and as a repetition of the step before.
 */

import { emptyRecord, linear, runLayer } from "./net/forward.js";
import { random } from "./net/random.js";

const STAND_INS = 5; // words that stand in for a word, in turn
const COMMON = 400; // they are drawn from the most frequent words

/** (H,) what the head reads at step `at`, when the first layer reads other rows from `from` on. */
function stateFrom(model, record, rows, from, at) {
  let input = rows;
  for (const [k, layer] of model.layers.entries()) {
    const before = record.layers[k];
    const steps = at - from + 1;
    const run = emptyFrom(before, from, steps, layer);
    runLayer(layer, input, run);
    const below = input;
    input = model.residual ? run.hidden.map((value, j) => value + below[j]) : run.hidden;
  }
  return input.subarray((at - from) * model.hiddenSize, (at - from + 1) * model.hiddenSize);
}

/** A record for `steps` steps that starts from the state before step `from` of another. */
function emptyFrom(before, from, steps, layer) {
  const { H } = before;
  const state = (states, first) => (from > 0 ? states.slice((from - 1) * H, from * H) : first);
  return {
    ...emptyRecord(layer, steps),
    h0: state(before.hidden, before.h0),
    c0: before.cell ? state(before.cell, before.c0) : before.c0,
  };
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
    lost += whole - logProbability(model, stateFrom(model, record, rows, t, at), target);
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
