// @ts-check
/** Round numbers for an axis, and what the ends of bars stand for. */

/** Round values from `low` to `high`, about four. */
export function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found;
}

/** Decimals that an axis needs whose ends are `most` apart from zero. */
export const digitsOf = (most) => Math.max(0, Math.min(4, 1 - Math.floor(Math.log10(most || 1))));

/** The largest size among lists of numbers that are in one unit: they share one scale. */
export function largestOf(...lists) {
  let most = 1e-9;
  for (const list of lists)
    for (const value of list ?? [])
      if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}
