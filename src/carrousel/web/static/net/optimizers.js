// @ts-check
// Gradient descent, plain and with Adam's steps; both change the weights in place.

/** @typedef {import("./matrix.js").Numbers} Numbers */
/** @typedef {{mean: Float64Array, square: Float64Array}[]} Moments */
/**
 * A step, with what it remembers of those before it.
 * @typedef {((weights: Numbers[], grads: Numbers[], rate: number) => void) &
 *   {memory?: {time: number, moments: Moments}}} Optimizer
 */

/** w := w - rate * gradient @returns {Optimizer} */
export function gradientDescent() {
  return (weights, grads, rate) => {
    weights.forEach((weight, k) => {
      for (let at = 0; at < weight.length; at++) weight[at] -= rate * grads[k][at];
    });
  };
}

/**
 * Adam (Kingma & Ba 2015): steps of about `rate`, whatever the gradient's size.
 * @returns {Optimizer}
 */
export function adam(beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8) {
  /** @type {Optimizer} */
  const step = (weights, grads, rate) => {
    const memory = (step.memory ??= { time: 0, moments: weights.map(noMoments) });
    memory.time++;
    const scale1 = 1 - beta1 ** memory.time,
      scale2 = 1 - beta2 ** memory.time;
    weights.forEach((weight, k) => {
      const { mean, square } = memory.moments[k];
      for (let at = 0; at < weight.length; at++) {
        const slope = grads[k][at];
        mean[at] += (1 - beta1) * (slope - mean[at]);
        square[at] += (1 - beta2) * (slope * slope - square[at]);
        weight[at] -= (rate * mean[at]) / scale1 / (Math.sqrt(square[at] / scale2) + epsilon);
      }
    });
  };
  return step;
}

/** @param {{length: number}} weight */
const noMoments = ({ length }) => ({
  mean: new Float64Array(length),
  square: new Float64Array(length),
});

/**
 * Scale gradients down to a common norm of at most `most` (Pascanu, Mikolov & Bengio 2013).
 * @param {Numbers[]} grads @param {number} most
 * @returns {number} the norm before
 */
export function clip(grads, most) {
  let squares = 0;
  for (const grad of grads) for (let at = 0; at < grad.length; at++) squares += grad[at] * grad[at];
  const size = Math.sqrt(squares);
  if (size > most)
    for (const grad of grads) for (let at = 0; at < grad.length; at++) grad[at] *= most / size;
  return size;
}
