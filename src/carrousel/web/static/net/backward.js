// @ts-check
// Backpropagation through time over a record: gradients of the weights, of every state of every
// step, and of the input.

import { CELLS } from "./cells.js";
import { addOuter, addTransposedProduct, norm } from "./matrix.js";

/** @typedef {import("./load.js").Layer} Layer @typedef {import("./load.js").Linear} Linear
 *  @typedef {import("./load.js").Model} Model
 *  @typedef {import("./forward.js").LayerRecord} LayerRecord
 *  @typedef {import("./forward.js").ModelRecord} ModelRecord */

/**
 * Gradients of one layer's weights, to be added to.
 * @typedef {{weight_ih: Float64Array, weight_hh: Float64Array,
 *            bias_ih: Float64Array, bias_hh: Float64Array}} LayerGradients
 */

/**
 * @typedef {Object} StateGradients
 * @property {Float64Array} gradHidden (T, H) dL/dh_t, total
 * @property {Float64Array | null} gradCell (T, H) dL/dc_t, total; LSTM only
 * @property {Float64Array} gradInput (T, I)
 * @property {Float64Array} shares (T) norm of what each step adds to the gradient of the weights
 */

/** Zeros in the sizes of a layer's weights. @param {Layer} layer @returns {LayerGradients} */
export function zeroGradients(layer) {
  const like = (/** @type {ArrayLike<number>} */ weight) => new Float64Array(weight.length);
  return {
    weight_ih: like(layer.weight_ih),
    weight_hh: like(layer.weight_hh),
    bias_ih: like(layer.bias_ih),
    bias_hh: like(layer.bias_hh),
  };
}

/**
 * Back through all steps of one layer.
 * @param {Layer} layer @param {LayerRecord} run
 * @param {ArrayLike<number>} above (T, H) dL/dh_t as far as it comes from outside the layer
 * @param {LayerGradients | null} [grads] the weights' gradients are added here
 * @param {ArrayLike<number> | null} [aboveCell] (T, H) the same for c_t, LSTM only
 * @returns {StateGradients}
 */
export function backLayer(layer, run, above, grads = null, aboveCell = null) {
  const { T, H, I } = run;
  const cell = CELLS[layer.kind];
  const gradHidden = new Float64Array(T * H),
    gradInput = new Float64Array(T * I);
  const gradCell = cell.hasCell ? new Float64Array(T * H) : null;
  const shares = new Float64Array(T);
  const dh = new Float64Array(H),
    dc = new Float64Array(H);
  const dsx = new Float64Array(cell.blocks * H),
    dsh = new Float64Array(cell.blocks * H);
  for (let t = T - 1; t >= 0; t--) {
    for (let j = 0; j < H; j++) gradHidden[t * H + j] = dh[j] += above[t * H + j];
    if (aboveCell) for (let j = 0; j < H; j++) dc[j] += aboveCell[t * H + j];
    cell.back(run, t, dh, dc, dsx, dsh, gradCell);
    const h = t > 0 ? run.hidden : run.h0,
      from = t > 0 ? (t - 1) * H : 0;
    addTransposedProduct(dh, layer.weight_hh, dsh, H);
    addTransposedProduct(gradInput, layer.weight_ih, dsx, I, t * I);
    shares[t] = share(norm(dsx), norm(dsh), norm(run.input, t * I, I), norm(h, from, H));
    if (grads) addStep(grads, dsx, dsh, run.input, t * I, I, h, from, H);
  }
  return { gradHidden, gradCell, gradInput, shares };
}

/**
 * Back through a whole model from the gradient of its output.
 * @param {Model} model @param {ModelRecord} record
 * @param {Float64Array} gradOutput (T, O)
 * @returns {StateGradients[]} one for each layer
 */
export function backward(model, record, gradOutput) {
  /** @type {Float64Array} */
  let above = backLinear(/** @type {Linear} */ (model.head), record.top, gradOutput);
  const found = [];
  for (let l = model.layers.length - 1; l >= 0; l--) {
    const state = backLayer(model.layers[l], record.layers[l], above);
    found.unshift(state);
    if (model.residual) above = above.map((value, at) => value + state.gradInput[at]);
    else above = state.gradInput;
  }
  return found;
}

/**
 * Back through a linear map: the gradient of its input; those of its weights are added to `grads`.
 * @param {Linear} map @param {Float64Array} rows (T, I) its input @param {Float64Array} above (T, O)
 * @param {{weight: Float64Array, bias: Float64Array} | null} [grads]
 */
export function backLinear(map, rows, above, grads = null) {
  const { inputs, outputs } = map;
  const below = new Float64Array(rows.length);
  for (let t = 0; t < above.length / outputs; t++) {
    const row = above.subarray(t * outputs, (t + 1) * outputs);
    addTransposedProduct(below, map.weight, row, inputs, t * inputs);
    if (!grads) continue;
    addOuter(grads.weight, row, rows, inputs, t * inputs);
    for (let k = 0; k < outputs; k++) grads.bias[k] += row[k];
  }
  return below;
}

/** Norm of a step's gradient of all weights: |dsx ⊗ [x, 1]| and |dsh ⊗ [h, 1]| together.
 * @param {number} dsx @param {number} dsh @param {number} x @param {number} h norms */
function share(dsx, dsh, x, h) {
  return Math.hypot(dsx * Math.hypot(x, 1), dsh * Math.hypot(h, 1));
}

/** @param {LayerGradients} grads @param {Float64Array} dsx @param {Float64Array} dsh
 *  @param {Float64Array} x @param {number} xFrom @param {number} I
 *  @param {Float64Array} h @param {number} hFrom @param {number} H */
function addStep(grads, dsx, dsh, x, xFrom, I, h, hFrom, H) {
  addOuter(grads.weight_ih, dsx, x, I, xFrom);
  addOuter(grads.weight_hh, dsh, h, H, hFrom);
  for (let row = 0; row < dsx.length; row++) {
    grads.bias_ih[row] += dsx[row];
    grads.bias_hh[row] += dsh[row];
  }
}
