// @ts-check
/**
 * Networks that read a series as it is, value by value, and say what comes next: those that were
 * trained in the page. Further ahead, they read what they said themselves.
 */

import { emptyRecord, forward, linear, runLayer, stateBefore } from "./net/forward.js";

/**
 * What is read of a window: each value in the units that the network learned in; in a hole the last
 * known one, as in training. `age` is how long the series has been known, below 0 where it is not.
 * @param {{series: ArrayLike<number>, values: ArrayLike<number>, first: number}} input
 * @param {Record<string, any>} meta the model's
 */
export function plainRows({ series, values, first }, { center, scale, marks }) {
  const before = lastKnown(values, first);
  let last = before === null ? 0 : (before - center) / scale;
  const x = Array.from(series, (value, t) => {
    if (Number.isFinite(value)) last = (value - center) / scale;
    return marks ? [last, marks[t]] : [last];
  });
  const start = Array.from(series).findIndex(Number.isFinite);
  const age = Array.from(series, (_, t) => (start < 0 ? -1 : t - start));
  return { x, scaled: { age } };
}

/** @param {ArrayLike<number>} values @param {number} end */
function lastKnown(values, end) {
  for (let k = end - 1; k >= 0; k--) if (Number.isFinite(values[k])) return values[k];
  return null;
}

/**
 * (h,) what the network expects after step t, in the units of the series.
 * @param {import("./net/load.js").Model} model
 * @param {import("./net/forward.js").ModelRecord} record @param {number} t
 */
function rolledOut(model, record, t) {
  const { shape, center, scale } = model.meta;
  const [layer] = model.layers;
  let state = stateBefore(record.layers[0], t + 1);
  let said = record.said(t)[0];
  return Array.from({ length: shape.h }, (_, j) => {
    if (j > 0) {
      const run = runLayer(layer, [said], { ...emptyRecord(layer, 1), ...state });
      state = stateBefore(run, 1);
      said = linear(model.head, run.hidden)[0];
    }
    return center + scale * said;
  });
}

/** As `readForecast` gives it: the median with the errors that were measured around it.
 * @param {any} model @param {any} record @param {number} t */
export function plainForecast(model, record, t) {
  const center = rolledOut(model, record, t);
  const quantiles = center.map((value, j) => model.meta.reach[j].map((far) => value + far));
  return { quantiles, weights: [], anchors: [], center };
}

/** The head reads the state for the next value; further ahead the way leads through other states.
 * @param {any} model @param {number} ahead */
export function plainReader({ head, meta }, ahead) {
  return ahead === 0 ? Float64Array.from(head.weight, (weight) => meta.scale * weight) : null;
}

/**
 * How wrong forecasts from these ends were. Intervals are as wide as the errors were, so that no
 * coverage can be told.
 * @param {any} model @param {{values: ArrayLike<number>, end: number}[]} cases
 * @param {(values: ArrayLike<number>, end: number) => any} read the input that ends there
 * @returns {Generator<void, {errors: number[][], rows: {name: string, mae: number,
 *   coverage: null}[], windows: number}>} errors: of each step ahead
 */
export function* measured(model, cases, read) {
  const { h } = model.meta.shape;
  const errors = Array.from({ length: h }, () => /** @type {number[]} */ ([]));
  const sums = { carrousel: 0, naive: 0 };
  for (const { values, end } of cases) {
    yield;
    const record = forward(model, read(values, end).x);
    const last = lastKnown(values, end);
    rolledOut(model, record, record.T - 1).forEach((value, j) => {
      const actual = values[end + j];
      if (!Number.isFinite(actual)) return;
      errors[j].push(actual - value);
      sums.carrousel += Math.abs(actual - value);
      sums.naive += Math.abs(actual - (last ?? 0));
    });
  }
  const count = errors.flat().length;
  const rows = Object.entries(sums).map(([name, sum]) => ({
    name,
    mae: sum / count,
    coverage: null,
  }));
  return { errors, rows: count ? rows : [], windows: cases.length };
}

const FEW = 8; // errors of one step ahead, below which those of all steps are taken together

/**
 * (h, Q) distances of the quantiles from the median: as far on either side as so large a share of
 * the errors was.
 * @param {number[][]} errors @param {number[]} probabilities
 */
export function reachOf(errors, probabilities) {
  const all = errors.flat();
  return errors.map((own) => {
    const sizes = (own.length >= FEW ? own : all).map(Math.abs).sort((a, b) => a - b);
    return probabilities.map((p) => Math.sign(p - 0.5) * quantile(sizes, Math.abs(2 * p - 1)));
  });
}

/** @param {number[]} sorted @param {number} share */
function quantile(sorted, share) {
  if (!sorted.length) return 0;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
