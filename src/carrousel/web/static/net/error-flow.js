// @ts-check
// An error of size 1 at the last step, sent back through one cell of random weights: what arrives,
// and what each step would then add to one update of the weights.

import { backLayer, zeroGradients } from "./backward.js";
import { CELLS } from "./cells.js";
import { runLayer } from "./forward.js";
import { drawLayer } from "./initial.js";
import { jacobianNorms } from "./jacobian.js";
import { norm, spectralNorm } from "./matrix.js";
import { random } from "./random.js";

/**
 * @typedef {Object} ErrorFlowOptions
 * @property {string} kind @property {number} steps T @property {number} [hidden] H
 * @property {number} scale factor on the recurrent weights
 * @property {number} forgetBias of the forget gate (LSTM) or the update gate (GRU)
 * @property {number} [seed]
 */

/**
 * @typedef {Object} ErrorFlow
 * @property {Float64Array} norms (T + 1) of ∂h_T/∂s_t, t = 0 ... T
 * @property {Float64Array} shares (T) norm of each step's part of the weights' gradient
 * @property {number} gradient norm of the whole gradient of the weights
 * @property {number} largest singular value of W_hh: a tanh RNN's norms are at most its powers
 * @property {number} halving steps in which the norm halves, by a straight line through its
 *   logarithm; negative where it grows
 */

export const INPUTS = 4;

/** @param {ErrorFlowOptions} options @returns {ErrorFlow} */
export function errorFlow({ kind, steps, hidden = 12, scale, forgetBias, seed = 1 }) {
  const layer = drawLayer(kind, INPUTS, hidden, random(seed), { forgetBias, scale });
  const rng = random(seed + 100); // the same input for every cell
  const run = runLayer(
    layer,
    Float64Array.from({ length: steps * INPUTS }, () => 0.5 * rng.normal()),
  );
  const above = new Float64Array(steps * hidden);
  above.fill(1 / Math.sqrt(hidden), (steps - 1) * hidden);
  const grads = zeroGradients(layer);
  const { shares } = backLayer(layer, run, above, grads);
  const norms = jacobianNorms(layer, run);
  return {
    norms,
    shares,
    halving: halving(norms),
    gradient: Math.hypot(...Object.values(grads).map((grad) => norm(grad))),
    largest:
      CELLS[kind].blocks === 1
        ? spectralNorm(layer.weight_hh, hidden, new Float64Array(hidden).fill(1))
        : NaN,
  };
}

/** @param {Float64Array} norms */
function halving(norms) {
  const T = norms.length - 1;
  const logs = Array.from(norms, (value) => Math.log2(Math.max(value, 1e-300)))
    .reverse()
    .slice(1);
  const middle = (T + 1) / 2,
    mean = logs.reduce((sum, value) => sum + value, 0) / T;
  let up = 0,
    down = 0;
  logs.forEach((value, k) => {
    up += (k + 1 - middle) * (value - mean);
    down += (k + 1 - middle) ** 2;
  });
  return down > 0 ? -down / up : Infinity;
}
