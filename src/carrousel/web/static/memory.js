// @ts-check
/**
 * What the memory kept, from one layer's record (net/forward.js): the same accounting as
 * carrousel.explain. Everything is looked at from step `at`.
 *
 *   LSTM:  c_at = sum_t S_t i_t g_t,   GRU:  h_at = sum_t S_t (1 - z_t) n_t,
 *   S_t = product of the forget (update) gates of the steps after t
 */

import { CELLS } from "./net/cells.js";

/** Whether there is an additive memory to account for: a plain RNN has none. */
export const hasMemory = (layer) => CELLS[layer.kind].keeps !== null;

/** (at+1, H) how much of what was written at t is still there. */
export function survival(layer, at) {
  const { H } = layer;
  const kept = layer.gates[CELLS[layer.kind].keeps];
  const share = new Float64Array((at + 1) * H).fill(1);
  for (let t = at - 1; t >= 0; t--) {
    for (let u = 0; u < H; u++) {
      share[t * H + u] = share[(t + 1) * H + u] * kept[(t + 1) * H + u];
    }
  }
  return share;
}

/** (at+1, H) what each step wrote: i g, or (1 - z) n. */
export function written(layer, at) {
  const length = (at + 1) * layer.H;
  const { writes } = CELLS[layer.kind];
  return Float64Array.from({ length }, (_, k) => writes(layer.gates, k));
}

/** (at+1,) the share of what each step wrote that is still there, over all units. */
export function shareKept(layer, at) {
  const share = survival(layer, at);
  const wrote = written(layer, at);
  return Float64Array.from({ length: at + 1 }, (_, t) => {
    let all = 0;
    let left = 0;
    for (let k = t * layer.H; k < (t + 1) * layer.H; k++) {
      all += Math.abs(wrote[k]);
      left += Math.abs(wrote[k]) * share[k];
    }
    return left / Math.max(all, 1e-300);
  });
}

/**
 * (at+1,) what an output `reader . h_at` owes to each step. For the LSTM, h = o tanh(c) is shared
 * out in proportion: a term a of c counts as o a tanh(c) / c.
 */
export function ledger(layer, at, reader) {
  const { H } = layer;
  const share = survival(layer, at);
  const wrote = written(layer, at);
  const factor = Float64Array.from({ length: H }, (_, u) => reader[u] * exposure(layer, at, u));
  return Float64Array.from({ length: at + 1 }, (_, t) => {
    let sum = 0;
    for (let u = 0; u < H; u++) sum += factor[u] * share[t * H + u] * wrote[t * H + u];
    return sum;
  });
}

/** The output itself, to check that the ledger adds up to it. */
export function readout(layer, at, reader) {
  let sum = 0;
  for (let u = 0; u < layer.H; u++) sum += reader[u] * layer.hidden[at * layer.H + u];
  return sum;
}

function exposure(layer, at, u) {
  const { exposes } = CELLS[layer.kind];
  if (exposes === null) return 1;
  const c = layer.cell[at * layer.H + u];
  const ratio = Math.abs(c) < 1e-8 ? 1 : Math.tanh(c) / c;
  return layer.gates[exposes][at * layer.H + u] * ratio;
}

/**
 * (H,) steps after which half of what a unit held is gone, by its gates as they were:
 * log(1/2) / mean(log f).
 */
export function halfLife(layer) {
  const kept = layer.gates[CELLS[layer.kind].keeps];
  return Float64Array.from({ length: layer.H }, (_, u) => {
    let sum = 0;
    for (let t = 0; t < layer.T; t++) sum += Math.log(Math.max(kept[t * layer.H + u], 1e-300));
    const mean = sum / layer.T;
    return mean < -1e-9 ? Math.log(0.5) / mean : Infinity;
  });
}
