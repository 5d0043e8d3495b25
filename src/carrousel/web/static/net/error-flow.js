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
 * @property {Float64Array | null} limit (T + 1) of an RNN: the product of the norms of the steps'
 *   own Jacobians, which no norm can exceed
 */

const INPUTS = 4;

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
  return {
    norms: jacobianNorms(layer, run),
    shares,
    gradient: Math.hypot(...Object.values(grads).map((grad) => norm(grad))),
    limit: CELLS[kind].blocks === 1 ? limitOf(layer, run) : null,
  };
}

/** ∏ ‖∂h_k/∂h_(k-1)‖ over the steps after t; one step multiplies by diag(1 - h²) W_hh.
 * @param {import("./load.js").Layer} layer @param {import("./forward.js").LayerRecord} run */
function limitOf(layer, { T, H, hidden }) {
  const limit = new Float64Array(T + 1).fill(1);
  const matrix = new Float64Array(H * H);
  for (let t = T - 1; t >= 0; t--) {
    for (let at = 0; at < H * H; at++) {
      const h = hidden[t * H + Math.floor(at / H)];
      matrix[at] = (1 - h * h) * layer.weight_hh[at];
    }
    limit[t] = limit[t + 1] * spectralNorm(matrix, H, new Float64Array(H).fill(1));
  }
  return limit;
}

/**
 * What becomes of an error of size 1, by what is left of it after `steps` steps. `steps / pace`
 * halvings (or doublings) lead from 1 to exactly what is left.
 * @param {number} left @param {number} steps
 * @returns {{name: "vanishes" | "fades" | "arrives" | "grows" | "explodes",
 *   pace: number}} pace: steps in which it halves or doubles, on average
 */
export function fateOf(left, steps) {
  const name =
    left < 1e-3
      ? "vanishes"
      : left < 0.5
        ? "fades"
        : left <= 2
          ? "arrives"
          : left <= 10
            ? "grows"
            : "explodes";
  return { name, pace: steps / Math.abs(Math.log2(left)) };
}
