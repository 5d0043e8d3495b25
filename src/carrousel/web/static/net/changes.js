// @ts-check
// A model read forwards with gates and states changed on the way, as carrousel.intervene does it:
// a changed gate counts within its step, a changed cell state is what the output gate then shows.

import { CELLS } from "./cells.js";
import { forwardSlices } from "./forward.js";

/**
 * One number, or one for each unit, in the place of what was computed.
 *
 * @typedef {Object} Change
 * @property {number} layer
 * @property {string} name a gate, "cell" or "hidden"
 * @property {number} from the first step that is changed @property {number} to the last one
 * @property {ArrayLike<number>} [units] all by default
 * @property {number | ArrayLike<number>} value
 */

/** @typedef {import("./forward.js").LayerRecord} LayerRecord
 *  @typedef {import("./forward.js").ModelRecord} ModelRecord
 *  @typedef {import("./load.js").Model} Model */

/**
 * As `forwardSlices`, with the changes.
 * @param {Model} model @param {any} sequence @param {Change[]} changes
 * @returns {Generator<void, ModelRecord>}
 */
export function forwardChanged(model, sequence, changes) {
  return forwardSlices(model, sequence, (layer) => (run, t, sx) => {
    const own = changes.filter((one) => one.layer === layer && t >= one.from && t <= one.to);
    if (own.length) SETTLE[run.kind](run, t, sx, (name) => put(run, t, name, own));
  });
}

/**
 * What gives a run another one's memory at a step: its states there, of every layer.
 * @param {ModelRecord} other @param {number} there its step @param {number} here the step of the run
 * @returns {Change[]}
 */
export function memoryOf(other, there, here) {
  return other.layers.flatMap((run, layer) =>
    ["cell", "hidden"].flatMap((name) => {
      const states = name === "cell" ? run.cell : run.hidden;
      if (!states) return [];
      const value = states.slice(there * run.H, (there + 1) * run.H);
      return [{ layer, name, from: here, to: here, value }];
    }),
  );
}

/**
 * What follows from the gates of a step, made again in the order of its equations, each value
 * changed as it comes.
 * @type {Record<string, (run: LayerRecord, t: number, sx: Float64Array,
 *                        change: (name: string) => void) => void>}
 */
const SETTLE = {
  lstm(run, t, _sx, change) {
    const { input, forget, candidate, output } = run.gates;
    const cell = /** @type {Float64Array} */ (run.cell);
    for (const name of CELLS.lstm.gates) change(name);
    each(run, t, (at, j) => {
      cell[at] = forget[at] * before(cell, run.c0, t, j) + input[at] * candidate[at];
    });
    change("cell");
    each(run, t, (at) => {
      run.hidden[at] = output[at] * Math.tanh(cell[at]);
    });
    change("hidden");
  },
  gru(run, t, sx, change) {
    const { reset, update, candidate } = run.gates;
    const recalled = /** @type {Float64Array} */ (run.recalled);
    change("reset");
    each(run, t, (at, j) => {
      candidate[at] = Math.tanh(sx[2 * run.H + j] + reset[at] * recalled[at]);
    });
    change("update");
    change("candidate");
    each(run, t, (at, j) => {
      const kept = update[at] * before(run.hidden, run.h0, t, j);
      run.hidden[at] = (1 - update[at]) * candidate[at] + kept;
    });
    change("hidden");
  },
  rnn(_run, _t, _sx, change) {
    change("hidden");
  },
};

/** @param {LayerRecord} run @param {number} t @param {(at: number, unit: number) => void} made */
function each(run, t, made) {
  for (let j = 0; j < run.H; j++) made(t * run.H + j, j);
}

/** @param {Float64Array} states @param {Float64Array} initial @param {number} t @param {number} j */
const before = (states, initial, t, j) =>
  t > 0 ? states[(t - 1) * initial.length + j] : initial[j];

/** @param {LayerRecord} run @param {number} t @param {string} name @param {Change[]} changes */
function put(run, t, name, changes) {
  const states = { ...run.gates, cell: run.cell, hidden: run.hidden }[name];
  for (const one of changes) {
    if (one.name !== name || !states) continue;
    const units = one.units ?? Array.from({ length: run.H }, (_, j) => j);
    for (let k = 0; k < units.length; k++) {
      states[t * run.H + units[k]] = typeof one.value === "number" ? one.value : one.value[k];
    }
  }
}
