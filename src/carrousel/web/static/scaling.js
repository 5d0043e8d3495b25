/**
 * A window cut into steps, each with a level and a scale that look backwards only; missing values
 * take the value one step before. The same as carrousel/forecast/scaling.py.
 */

const FLOOR = 1e-4;
const RECENT = 8;

/**
 * @param {Float64Array} history T * step observations, NaN where missing
 * @returns {{values: number[][], mask: number[][], level: number[], scale: number[],
 *   size: number[], origin: number, age: number[]}} values and levels relative to the origin
 */
export function scaleSteps(history, step) {
  const T = history.length / step;
  const last = history.findLastIndex(Number.isFinite);
  const origin = last < 0 ? 0 : history[last];
  const raw = Array.from({ length: T }, (_, t) => Array.from(history.subarray(t * step, (t + 1) * step)));
  const mask = raw.map((row) => row.map((value) => Number(Number.isFinite(value))));
  const count = mask.map(total);
  const first = count.findIndex((n) => n > 0);
  const means = raw.map((row, t) => present(row, mask[t], (value) => value - origin) / Math.max(count[t], 1));
  const level = carried(means, count);
  const { values, paired } = filled(raw, mask, level, origin);
  const size = runningMean(raw.map((row, t) => present(row, mask[t], Math.abs)), count);
  const scale = scales(values, paired, level, count, size);
  const age = count.map((_, t) => t - (first < 0 ? T : first));
  return { values, mask, level, scale, size, origin, age };
}

/** The last level so far; before the first, the first. */
function carried(means, count) {
  const first = Math.max(count.findIndex((n) => n > 0), 0);
  let now = means[first];
  return means.map((mean, t) => (now = t >= first && count[t] > 0 ? mean : now));
}

function filled(raw, mask, level, origin) {
  const known = raw[0].map(() => NaN); // the last value of each phase so far
  const values = [];
  const paired = [];
  raw.forEach((row, t) => {
    paired.push(row.map((_, k) => t > 0 && mask[t][k] === 1 && Number.isFinite(known[k])));
    row.forEach((value, k) => { if (mask[t][k]) known[k] = value - origin; });
    values.push(known.map((value) => (Number.isFinite(value) ? value : level[t])));
  });
  return { values, paired };
}

/** Mean absolute change between steps: recent, but never far below all so far. */
function scales(values, paired, level, count, size) {
  const step = values[0].length;
  const changes = values.map((row, t) =>
    total(row.map((value, k) => (paired[t][k] ? Math.abs(value - values[t - 1][k]) : 0))));
  const pairs = paired.map((row) => row.filter(Boolean).length);
  const ever = runningMean(changes, pairs);
  const spread = runningMean(
    values.map((row, t) => (total(row.map((value) => Math.abs(value - level[t]))) / step) * count[t]), count);
  let measured = 0;
  return values.map((_, t) => {
    measured += pairs[t];
    const from = Math.max(t - RECENT + 1, 0);
    const recent = total(changes.slice(from, t + 1)) / Math.max(total(pairs.slice(from, t + 1)), 1);
    const scale = measured > 0 ? Math.max(recent, 0.1 * ever[t]) : spread[t];
    return Math.max(scale, FLOOR * size[t], 1e-30);
  });
}

function runningMean(totals, counts) {
  let sum = 0;
  let number = 0;
  return totals.map((value, t) => {
    sum += value;
    number += counts[t];
    return sum / Math.max(number, 1);
  });
}

const total = (row) => row.reduce((sum, value) => sum + value, 0);
const present = (row, mask, of) => row.reduce((sum, value, k) => sum + (mask[k] ? of(value) : 0), 0);
