// @ts-check
// Learning with one weight: y = w x on a few points, its error, and the step w := w − α ∇.

/** What is to be fitted: x and y. @type {[number, number][]} */
export const POINTS = [
  [0.5, 0.9],
  [1, 1.3],
  [1.5, 2.6],
  [2, 2.8],
];

const mean = (of) => POINTS.reduce((sum, [x, y]) => sum + of(x, y), 0) / POINTS.length;

/** The mean squared error. @param {number} w */
export const errorOf = (w) => mean((x, y) => (w * x - y) ** 2);

/** Its slope, ∇. @param {number} w */
export const slopeOf = (w) => mean((x, y) => 2 * x * (w * x - y));

/** How fast the slope changes. */
const CURVATURE = mean((x) => 2 * x * x);

/** The weight with the least error. */
export const BEST = mean((x, y) => x * y) / mean((x) => x * x);

/** @param {number} w @param {number} rate */
export const stepFrom = (w, rate) => w - rate * slopeOf(w);

/** What one step leaves of the distance to the best weight; below 0 it jumps over it, beyond ±1 it
 * moves away. @param {number} rate */
export const leftBy = (rate) => 1 - rate * CURVATURE;
