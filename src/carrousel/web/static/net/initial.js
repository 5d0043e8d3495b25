// @ts-check
// Weights before any training.

import { CELLS } from "./cells.js";

/** @typedef {import("./load.js").Layer} Layer @typedef {import("./load.js").Linear} Linear
 *  @typedef {import("./random.js").Random} Random */

/**
 * A layer as torch draws it: uniform in ±1/√H.
 * @param {string} kind @param {number} inputs I @param {number} hidden H @param {Random} rng
 * @param {{forgetBias?: number | null, scale?: number}} [options] forgetBias: what b_f (LSTM, both
 *   biases together) or b_z (GRU: what keeps its memory) is set to; scale: factor on W_hh
 * @returns {Layer}
 */
export function drawLayer(kind, inputs, hidden, rng, { forgetBias = null, scale = 1 } = {}) {
  const rows = CELLS[kind].blocks * hidden,
    bound = 1 / Math.sqrt(hidden);
  const layer = {
    kind,
    nonlinearity: "tanh",
    inputs,
    hidden,
    weight_ih: uniform(rows * inputs, bound, rng),
    weight_hh: uniform(rows * hidden, bound * scale, rng),
    bias_ih: uniform(rows, bound, rng),
    bias_hh: uniform(rows, bound, rng),
  };
  const keeps = CELLS[kind].gates.findIndex((name) => name === "forget" || name === "update");
  if (forgetBias !== null && keeps >= 0) {
    layer.bias_ih.fill(forgetBias, keeps * hidden, (keeps + 1) * hidden);
    layer.bias_hh.fill(0, keeps * hidden, (keeps + 1) * hidden);
  }
  return layer;
}

/** A linear map as torch draws it: uniform in ±1/√I.
 * @param {number} inputs @param {number} outputs @param {Random} rng @returns {Linear} */
export function drawLinear(inputs, outputs, rng) {
  const bound = 1 / Math.sqrt(inputs);
  return {
    weight: uniform(inputs * outputs, bound, rng),
    bias: uniform(outputs, bound, rng),
    inputs,
    outputs,
  };
}

/** @param {number} count @param {number} bound @param {Random} rng */
function uniform(count, bound, rng) {
  return Float64Array.from({ length: count }, () => (2 * rng.uniform() - 1) * bound);
}
