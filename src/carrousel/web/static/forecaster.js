// @ts-check
/**
 * A forecaster's network around its recurrent layers: what a step shows it, and what its numbers
 * say. The same as carrousel/ops/reference and carrousel/forecast for one series; tests compare.
 */

import { decode } from "./net/load.js";
import { simpleForecasts } from "./anchors.js";
import { plainForecast, plainReader, plainRows } from "./plain-series.js";
import { scaleSteps } from "./scaling.js";

/** The input of a model's series: its last observations, cut into steps. */
export function readSeries(model, index, values = null, end = null) {
  const stored = model.meta.series[index];
  const all = values ?? Float64Array.from(decode(stored.y, `series ${stored.id}`));
  return seriesInput(model, index, all, end ?? all.length);
}

/** The input with one observation moved; `moved` remembers which were. */
export function moveObservation(model, input, at, value) {
  const values = Float64Array.from(input.values);
  values[at] = value;
  const moved = new Map(input.moved).set(at, value);
  return { ...seriesInput(model, input.index, values, input.end), moved };
}

/** The input as it was `end` observations into the series. */
export function upTo(model, input, end) {
  return { ...seriesInput(model, input.index, input.values, end), moved: input.moved };
}

/** A series with its end and moved points, as an address says them; what is impossible is not done.
 * @param {any} model @param {{index: number, end: number | null, points: number[][]}} said */
export function seriesAsSaid(model, { index, end, points }) {
  const first = readSeries(model, Math.min(index, model.meta.series.length - 1));
  const length = first.values.length;
  const at = end !== null && end > 0 && end <= length ? upTo(model, first, end) : first;
  return points
    .filter(([k]) => Number.isInteger(k) && k >= 0 && k < length)
    .reduce((input, [k, value]) => moveObservation(model, input, k, value), at);
}

/** When each value of an input's series was, and those that are forecast after it will be. */
export function timesOf(model, { index }) {
  const { times, future } = model.meta.series[index];
  return [...times, ...future];
}

function seriesInput(model, index, values, end) {
  const { shape } = model.meta;
  const { patch: step, steps } = shape;
  const length = step * steps;
  const first = end - length; // may lie before the series: those values are missing
  const gap = gapBefore(values, end);
  const over = steppedOver(gap, shape);
  const series = Float64Array.from({ length }, (_, k) => values[first - over + k] ?? NaN);
  const times = model.meta.series[index].times;
  const labels = Array.from({ length: steps }, (_, t) => stepName(times, first + t * step, step));
  const input = { index, values, end, first, gap, series, labels };
  return { ...input, ...rowsOf(model, input) };
}

/** What the network reads of a window, and what is known of its scale step by step. */
function rowsOf({ meta }, input) {
  if (meta.plain) return plainRows(input, meta);
  const scaled = scaleSteps(input.series, meta);
  return { scaled, x: features(scaled, meta) };
}

/** The input for another window of observations. */
export const windowInput = (model, input, series) => ({
  ...input,
  series,
  ...rowsOf(model, { ...input, series }),
});

/** Missing values right before `end`; none where there is no value at all. */
function gapBefore(values, end) {
  let last = Math.min(end, values.length) - 1;
  while (last >= 0 && !Number.isFinite(values[last])) last--;
  return last < 0 ? 0 : end - 1 - last;
}

/** How much of a gap is stepped over, in whole seasons (carrousel/forecast/intervals/doubt.py). */
function steppedOver(gap, { patch: step, steps, seasons }) {
  if (!seasons.length) return 0;
  const [shortest, longest] = [seasons[0], seasons[seasons.length - 1]];
  const over = longest % shortest === 0 ? gap - (gap % longest) : 0;
  const rest = gap - over;
  return rest > Math.floor((step * steps) / 2) ? over + rest - (rest % shortest) : over;
}

/** "2011-11-07" for the hours of a day, "1960-10–12" for months of a year. */
function stepName(times, at, step) {
  const [from, to] = [times[Math.max(at, 0)], times[at + step - 1]];
  if (!to) return "–";
  if (from.slice(0, 10) === to.slice(0, 10)) return step === 1 ? to : to.slice(0, 10);
  const [first, last] = [short(from), short(to)];
  return first.slice(0, 5) === last.slice(0, 5)
    ? `${first}–${last.slice(5)}`
    : `${first} – ${last}`;
}

/** A date without the day where that says nothing: months are written 1960-12. */
export function short(time) {
  return time.length === 10 && time.endsWith("-01") ? time.slice(0, 7) : time;
}

/** T rows of what a step shows the network, in units of its own scale. */
export function features(scaled, { shape, constants }) {
  const backs = seasonsBack(shape);
  const { floor, widest, least } = constants;
  return scaled.values.map((row, t) => {
    const { level, scale, size, age } = scaled;
    const seen = [
      row.map((value) => value - level[t]),
      ...backs.map((back) => change(scaled.values, t, back)),
      [level[t] - level[Math.max(t - 1, 0)]],
    ]
      .flat()
      .map((value) => (age[t] < 0 ? 0 : squash(value / scale[t])));
    const relative = Math.log(clamp(scale[t] / Math.max(size[t], least), floor, widest));
    return [...seen, relative, ...scaled.mask[t]];
  });
}

function seasonsBack({ patch: step, steps, seasons }) {
  const longer = seasons.filter((s) => s % step === 0).map((s) => s / step);
  return [...new Set([1, ...longer.filter((back) => back < steps)])].sort((a, b) => a - b);
}

function change(values, t, back) {
  if (back >= values.length) return values[t].map(() => 0);
  const before = values[Math.max(t - back, 0)];
  return values[t].map((value, k) => value - before[k]);
}

/**
 * The forecast from step t, read off the head's numbers.
 * @returns {{quantiles: number[][], weights: number[][], anchors: number[][], center: number[]}}
 *   quantiles (h, Q), weights and simple forecasts (K, h), in the units of the series
 */
export function readForecast(model, input, record, t) {
  if (model.meta.plain) return plainForecast(model, record, t);
  const { shape, interval_scale: intervalScale, calibration } = model.meta;
  const { h } = shape;
  const { scaled } = input;
  const simple = simpleForecasts(scaled, model.meta, t); // (K, h)
  const out = record.said(t);
  const kinds = simple.length;
  const weights = softmaxColumns(out, kinds, h);
  const center = sumColumns(weights, simple, h);
  const reach = tails(out.subarray(h * (kinds + 2)), (model.meta.quantiles.length - 1) / 2);
  const scale = scaled.scale[t];
  const quantiles = center.map((value, j) => {
    const median = out[h * kinds + j];
    const width = softplus(out[h * (kinds + 1) + j]) * intervalScale;
    const middle = steady(input, model.meta.constants) ? 0 : value + scale * median;
    return reach.map((far) => scaled.origin + middle + scale * width * far);
  });
  const { nonnegative } = model.meta.series[input.index];
  const given = t === scaled.level.length - 1 ? doubted(quantiles, input, model.meta) : quantiles;
  const anchors = simple.map((row) => row.map((value) => value + scaled.origin));
  return {
    quantiles: given.map((row) => finished(row, calibration, nonnegative)),
    weights,
    anchors,
    center: center.map((value) => value + scaled.origin),
  };
}

/** Whether the series never moved, as far as it is read. */
function steady({ series, scaled }, { few }) {
  const known = series.filter(Number.isFinite);
  return known.length >= few && known.every((value) => value === scaled.origin);
}

/** As wide as was measured where little is known (carrousel/forecast/intervals/doubt.py). */
function doubted(quantiles, { gap, series }, { shape, constants, wander, factors: [few, ended] }) {
  const { counts, gaps } = constants;
  const known = series.filter(Number.isFinite).length;
  const rest = gap - steppedOver(gap, shape);
  const measured = known > 0 && known <= Math.floor(series.length / 2);
  const factor =
    (rest ? between(rest, counts, ended) : 1) * (measured ? between(known, counts, few) : 1);
  const wide = quantiles.map((row) => around(row, (away) => away * factor));
  return widened(wide, gap, gaps, wander);
}

/** What was measured at `counts`, and between them on a line by the logarithm. */
function between(count, counts, measured) {
  const after = counts.findIndex((one) => one >= count);
  if (after < 0) return measured[counts.length - 1];
  if (!after || counts[after] === count) return measured[after];
  const [low, high] = [Math.log2(counts[after - 1]), Math.log2(counts[after])];
  const share = (Math.log2(count) - low) / (high - low);
  return measured[after - 1] + share * (measured[after] - measured[after - 1]);
}

/** Quantiles whose distances from the median, the middle one, are others. */
function around(row, moved) {
  const median = row[(row.length - 1) / 2];
  return row.map((value, q) => median + moved(value - median, q));
}

/** Quantiles after a gap: wider by the power measured for such a gap. */
function widened(quantiles, gap, gaps, wander) {
  if (!gap) return quantiles;
  const power = between(gap, gaps, wander);
  const far = quantiles[0].map(() => 0);
  return quantiles.map((row, j) => {
    const factor = ((gap + j + 1) / (j + 1)) ** power;
    return around(row, (distance, q) => {
      const away = distance * factor;
      far[q] = Math.max(far[q], Math.abs(away));
      return Math.sign(away) * far[q];
    });
  });
}

/**
 * (H,) the slope of the median of step `ahead` (0..h-1) by the state that the head reads at t; null
 * where it depends on more than that state.
 * The median is sum_k w_k a_k + scale * m, with w the softmax of the head's first numbers.
 */
export function medianReader(model, input, record, t, ahead) {
  if (model.meta.plain) return plainReader(model, ahead);
  const { shape } = model.meta;
  const { head } = model;
  const forecast = readForecast(model, input, record, t);
  const reader = new Float64Array(head.inputs);
  const add = (row, factor) => {
    for (let u = 0; u < head.inputs; u++) reader[u] += factor * head.weight[row * head.inputs + u];
  };
  forecast.weights.forEach((row, k) => {
    add(k * shape.h + ahead, row[ahead] * (forecast.anchors[k][ahead] - forecast.center[ahead]));
  });
  add(shape.h * forecast.weights.length + ahead, input.scaled.scale[t]);
  return reader;
}

/**
 * Quantiles as they are handed out (carrousel/forecast/intervals/calibration.py): each side of each interval
 * times its factor and still in order; counts not below zero.
 */
function finished(row, factors, nonnegative) {
  const calibrated = factors ? stretched(row, factors) : row;
  return nonnegative ? calibrated.map((value) => Math.max(value, 0)) : calibrated;
}

function stretched(row, factors) {
  const middle = (row.length - 1) / 2;
  const median = row[middle];
  const side = (sign) => {
    let reach = 0;
    return factors.map(
      (factor, k) =>
        (reach = Math.max(reach, sign * (row[middle + sign * (k + 1)] - median) * factor)),
    );
  };
  return [
    ...side(-1)
      .reverse()
      .map((far) => median - far),
    median,
    ...side(1).map((far) => median + far),
  ];
}

function softmaxColumns(out, kinds, h) {
  const weights = Array.from({ length: kinds }, () => new Array(h));
  for (let j = 0; j < h; j++) {
    let top = -Infinity;
    let sum = 0;
    for (let k = 0; k < kinds; k++) top = Math.max(top, out[k * h + j]);
    for (let k = 0; k < kinds; k++) sum += weights[k][j] = Math.exp(out[k * h + j] - top);
    for (let k = 0; k < kinds; k++) weights[k][j] /= sum;
  }
  return weights;
}

function sumColumns(weights, simple, h) {
  return Array.from({ length: h }, (_, j) =>
    weights.reduce((sum, row, k) => sum + row[j] * simple[k][j], 0),
  );
}

/** Quantiles in units of the width: growing outwards from the median, which is 0. */
function tails(out, count) {
  const side = (from) => {
    let sum = 0;
    return Array.from({ length: count }, (_, k) => (sum += softplus(out[from + k])));
  };
  return [
    ...side(0)
      .reverse()
      .map((far) => -far),
    0,
    ...side(count),
  ];
}

const softplus = (x) => (x > 30 ? x : Math.log1p(Math.exp(x)));
const squash = (x) => Math.sign(x) * Math.log1p(Math.abs(x));
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
