// @ts-check
// Losses of one sequence: the value, and the gradient of the network's output.

import { softmax } from "./forward.js";

/** @typedef {{value: number, gradient: Float64Array}} Loss */

/**
 * Mean squared error over all given numbers; NaN targets do not count.
 * @param {Float64Array} output @param {ArrayLike<number>} target
 * @returns {Loss}
 */
export function squaredError(output, target) {
  const gradient = new Float64Array(output.length);
  let sum = 0,
    count = 0;
  for (let at = 0; at < output.length; at++) {
    if (Number.isNaN(target[at])) continue;
    const error = output[at] - target[at];
    sum += error * error;
    gradient[at] = 2 * error;
    count++;
  }
  return { value: sum / count, gradient: gradient.map((slope) => slope / count) };
}

/**
 * Cross-entropy in nats of one row of logits and the class that was right.
 * @param {Float64Array} logits @param {number} right
 * @returns {Loss}
 */
export function crossEntropy(logits, right) {
  const gradient = softmax(logits);
  const value = -Math.log(gradient[right]);
  gradient[right] -= 1;
  return { value, gradient };
}
