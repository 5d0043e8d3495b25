// @ts-check
/** Round numbers for an axis and its lines, and what the ends of bars stand for. */

import { svg } from "./dom.js";

/** The smallest of 1, 2 and 5 times a power of ten that is `least` or more. */
export function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((digit) => digit * power >= least) * power;
}

/** Round values from `low` to `high`, about four. */
export function ticks(low, high) {
  const step = roundStep((high - low) / 4);
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

/** A value of an axis: its line from `left` to `right`, and what stands before it. */
export const valueLine = (y, text, left, right, name = "grid") => [
  svg("line", { x1: left, x2: right, y1: y, y2: y, class: name }),
  svg("text", { x: left - 7, y: y + 4, class: "tick", "text-anchor": "end" }, text),
];
