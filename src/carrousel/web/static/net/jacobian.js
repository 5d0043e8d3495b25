// @ts-check
// How much of an error at the last step arrives k steps before.

import { CELLS } from "./cells.js";
import { addTransposedProduct, spectralNorm } from "./matrix.js";

/** @typedef {import("./load.js").Layer} Layer @typedef {import("./forward.js").LayerRecord} LayerRecord */

/**
 * The spectral norms of ∂h_T/∂s_t for t = 0 ... T, s_0 being the initial state and s all that the
 * cell carries on: h, or h and c (as `carrousel lab vanishing` measures it).
 * @param {Layer} layer @param {LayerRecord} run
 * @returns {Float64Array} (T + 1)
 */
export function jacobianNorms(layer, run) {
  const { T, H } = run;
  const cell = CELLS[layer.kind],
    width = cell.hasCell ? 2 * H : H;
  const norms = new Float64Array(T + 1),
    singular = new Float64Array(width).fill(1);
  const rows = identity(H); // row j: the gradient of unit j of h_T
  const matrix = new Float64Array(H * width);
  const dsx = new Float64Array(cell.blocks * H),
    dsh = new Float64Array(cell.blocks * H);
  norms[T] = 1;
  for (let t = T - 1; t >= 0; t--) {
    rows.forEach(({ dh, dc }, j) => {
      cell.back(run, t, dh, dc, dsx, dsh);
      addTransposedProduct(dh, layer.weight_hh, dsh, H);
      matrix.set(dh, j * width);
      if (cell.hasCell) matrix.set(dc, j * width + H);
    });
    norms[t] = spectralNorm(matrix, width, singular);
  }
  return norms;
}

/** @param {number} H */
function identity(H) {
  return Array.from({ length: H }, (_, j) => {
    const dh = new Float64Array(H);
    dh[j] = 1;
    return { dh, dc: new Float64Array(H) };
  });
}
