// @ts-check
/**
 * A window cut into steps, each with a level and a scale that look backwards only; missing values
 * take the value one step before, outliers are cut. The same as
 * carrousel/ops/reference/scaling.py; the numbers (carrousel/ops/constants.py) come with the model.
 */

/**
 * See carrousel/ops/constants.py.
 * @typedef {Record<"floor" | "still" | "zero" | "few" | "far" | "ever" | "least" | "widest"
 *   | "recent" | "seen" | "seasons", number>} WindowConstants
 */

/**
 * @param {Float64Array} history T * step observations, NaN where missing
 * @param {{shape: {patch: number, seasons: number[]}, prior: [number, number],
 *   constants: WindowConstants}} meta the model's; `prior` is the usual scale: of the size
 *   of the values, and at least
 * @returns {{values: number[][], mask: number[][], level: number[], scale: number[],
 *   size: number[], origin: number, age: number[]}} values and levels relative to the origin
 */
export function scaleSteps(history, { shape: { patch: step, seasons }, prior, constants }) {
  const T = history.length / step;
  const last = history.findLastIndex(Number.isFinite);
  const origin = last < 0 ? 0 : history[last];
  const raw = Array.from(history, (value) => value - origin);
  const lags = [1, step, 2 * step, ...seasons];
  const found = { values: [], mask: [], level: [], scale: [], size: [] };
  const so = { far: Infinity, changes: [], spread: 0, counted: 0, size: 0, known: new Set() };
  const enough = enoughSteps(step, seasons, constants);
  for (let t = 0; t < T; t++)
    takeStep(found, so, { raw, lags, step, origin, prior, enough, constants }, t);
  const start = history.findIndex(Number.isFinite);
  const first = start < 0 ? T : Math.floor(start / step);
  for (let t = 0; t < first; t++) {
    // nothing is asked there
    found.level[t] = found.level[first] ?? 0;
    found.values[t].fill(found.level[t]);
  }
  return { ...found, origin, age: found.level.map((_, t) => t - first) };
}

/** Measured steps after which outliers are told from seasons: those of a whole season. */
function enoughSteps(step, seasons, { recent, seen }) {
  const longest = seasons[seasons.length - 1];
  return Math.min(recent, Math.max(Math.ceil(seen / step), Math.ceil(longest / step) + 1));
}

/** Step t: its values, level and scale; `so` is what the steps so far say of the scale. */
function takeStep(found, so, { raw, lags, step, origin, prior, enough, constants }, t) {
  const from = t * step;
  const zero = constants.zero * (so.size / Math.max(so.counted, 1));
  const before = found.values[t - 1];
  const mask = [];
  const seen = [];
  for (let i = from; i < from + step; i++) {
    mask.push(Number(Number.isFinite(raw[i])));
    seen.push(mask[i - from] ? cut(raw, i, lags, so.far, origin, zero) : 0);
  }
  const count = total(mask);
  const level = count ? total(seen) / count : (found.level[t - 1] ?? 0);
  const paired = mask.map((there, k) => there && so.known.has(k));
  const values = seen.map((value, k) => (mask[k] ? value : so.known.has(k) ? before[k] : level));
  const change = total(values.map((value, k) => (paired[k] ? Math.abs(value - before[k]) : 0)));
  const pairs = paired.filter(Boolean).length;
  if (pairs) so.changes.push({ change, pairs });
  mask.forEach((there, k) => there && so.known.add(k));
  so.spread += (total(values.map((value) => Math.abs(value - level))) / step) * count;
  so.counted += count;
  so.size += total(seen.map((value, k) => (mask[k] ? Math.abs(value + origin) : 0)));
  const size = so.size / Math.max(so.counted, 1);
  const scale = scaleOf(so, size, prior, constants);
  if (so.changes.length >= enough) so.far = constants.far * scale;
  found.values.push(values);
  found.mask.push(mask);
  found.level.push(level);
  found.size.push(size);
  found.scale.push(Math.max(scale, constants.least));
}

/** The value at i, no further than `far` from all that there is to compare it with. */
function cut(raw, i, lags, far, origin, zero) {
  if (!Number.isFinite(far)) return raw[i];
  const near = lags.map((lag) => raw[i - lag] ?? NaN);
  const known = near.filter(Number.isFinite);
  const nothing = known.some((value) => Math.abs(value + origin) <= zero);
  if (nothing || !near.slice(1).some(Number.isFinite)) return raw[i];
  return Math.min(Math.max(raw[i], Math.min(...known) - far), Math.max(...known) + far);
}

/** Mean absolute change between steps; where little was measured, partly what is usual. */
function scaleOf(so, size, [relative, absolute], constants) {
  const { floor, still, few } = constants;
  const pairs = total(so.changes.map((one) => one.pairs));
  const measured =
    pairs > 0 ? recentChange(so.changes, pairs, constants) : so.spread / Math.max(so.counted, 1);
  const scale = measured <= still * size ? Math.min(floor, relative) * size : measured;
  const compared = pairs > 0 ? pairs : Math.max(so.counted - 1, 0);
  const usual = Math.max(relative * size, absolute);
  return scale + Math.max(1 - compared / few, 0) * (usual - scale);
}

/** Over the last steps, but never far below all so far; there, outliers count as five usual ones. */
function recentChange(changes, pairs, { recent: latest, ever: share, far }) {
  const last = changes.slice(-latest);
  const recent = total(last.map((one) => one.change)) / total(last.map((one) => one.pairs));
  if (!((share * total(changes.map((one) => one.change))) / pairs > recent)) return recent;
  const moved = changes.filter((one) => one.change > 0).map((one) => one.change / one.pairs);
  const usual = moved.sort((a, b) => a - b)[Math.floor((moved.length - 1) / 2)];
  const ever = total(changes.map((one) => Math.min(one.change, far * usual * one.pairs))) / pairs;
  return Math.max(recent, share * ever);
}

const total = (row) => row.reduce((sum, value) => sum + value, 0);
