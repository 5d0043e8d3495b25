// @ts-check
// The one table of the page's cells: what it asks of a kind of cell, and a step both ways. Names,
// gates and what is kept are those of carrousel/ops/cells.py (a test compares them). Equations and gate order are torch's, as in
// carrousel/ops/reference/cells.py; the derivation of the way back is in csrc/README.md.

/** @typedef {import("./forward.js").LayerRecord} LayerRecord */

/** @param {number} x */
export const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/**
 * What a cell is: the gates stacked in its weights, and a step both ways.
 *
 * `forward(run, t, sx, sh)` reads sx = W_ih x + b_ih and sh = W_hh h + b_hh, (G*H) each, and
 * writes row t of the record.
 * `back(run, t, dh, dc, dsx, dsh)` reads dh = dL/dh_t (total) and dc = what reached c_t from the
 * next step; it writes the gradients of the two sums, replaces dh by the part of dL/dh_(t-1) that
 * does not pass through W_hh, and dc by the same for the step before. It returns nothing.
 *
 * @typedef {Object} Cell
 * @property {string[]} gates names in the order of the weights' blocks
 * @property {number} blocks G
 * @property {boolean} hasCell whether a cell state is carried beside the hidden state
 * @property {string | null} keeps the gate that keeps the memory; null: no memory that is a sum
 * @property {string | null} exposes the gate o of h = o tanh(memory); null: h is the memory
 * @property {((gates: Record<string, Float64Array>, k: number) => number) | null} writes into the
 *   memory at each step: value k of (T, H)
 * @property {string | null} recalls the gate whose part of W_hh h is kept beside the states, since
 *   the reset gate weighs it
 * @property {Record<string, string>} roles palette keys of values that cells draw differently
 * @property {Record<string, [string, string, string]>} pairs value = left (sign) right, unit by unit
 * @property {string} color of the cell beside others
 * @property {string[]} learns gates that are shown while it learns
 * @property {(run: LayerRecord, t: number, sx: Float64Array, sh: Float64Array) => void} forward
 * @property {(run: LayerRecord, t: number, dh: Float64Array, dc: Float64Array,
 *             dsx: Float64Array, dsh: Float64Array, gradCell?: Float64Array | null) => void} back
 */

/** The state before step t: a row of the record, or the initial state.
 * @param {Float64Array} states @param {Float64Array} initial @param {number} t @param {number} j */
const before = (states, initial, t, j) =>
  t > 0 ? states[(t - 1) * initial.length + j] : initial[j];

/** @type {Cell} Hochreiter & Schmidhuber 1997; the forget gate: Gers, Schmidhuber & Cummins 2000 */
const lstm = {
  gates: ["input", "forget", "candidate", "output"],
  blocks: 4,
  hasCell: true,
  keeps: "forget",
  exposes: "output",
  writes: ({ input, candidate }, k) => input[k] * candidate[k],
  recalls: null,
  roles: { kept: "forget", added: "input" },
  pairs: {
    kept: ["forget", "×", "c"],
    added: ["input", "×", "candidate"],
    cell: ["kept", "+", "added"],
    hidden: ["output", "×", "squashed"],
  },
  color: "--lstm",
  learns: ["forget", "input", "output"],
  forward(run, t, sx, sh) {
    const { H, hidden } = run;
    const cell = /** @type {Float64Array} */ (run.cell);
    const { input, forget, candidate, output } = run.gates;
    for (let j = 0, at = t * H; j < H; j++, at++) {
      const i = (input[at] = sigmoid(sx[j] + sh[j]));
      const f = (forget[at] = sigmoid(sx[H + j] + sh[H + j]));
      const g = (candidate[at] = Math.tanh(sx[2 * H + j] + sh[2 * H + j]));
      const o = (output[at] = sigmoid(sx[3 * H + j] + sh[3 * H + j]));
      cell[at] = f * before(cell, run.c0, t, j) + i * g;
      hidden[at] = o * Math.tanh(cell[at]);
    }
  },
  back(run, t, dh, dc, dsx, dsh, gradCell) {
    const { H } = run;
    const cell = /** @type {Float64Array} */ (run.cell);
    const { input, forget, candidate, output } = run.gates;
    for (let j = 0, at = t * H; j < H; j++, at++) {
      const i = input[at],
        f = forget[at],
        g = candidate[at],
        o = output[at];
      const squashed = Math.tanh(cell[at]);
      const total = dc[j] + dh[j] * o * (1 - squashed * squashed); // dL/dc_t
      if (gradCell) gradCell[at] = total;
      dsx[j] = total * g * i * (1 - i);
      dsx[H + j] = total * before(cell, run.c0, t, j) * f * (1 - f);
      dsx[2 * H + j] = total * i * (1 - g * g);
      dsx[3 * H + j] = dh[j] * squashed * o * (1 - o);
      dc[j] = total * f;
      dh[j] = 0;
    }
    dsh.set(dsx);
  },
};

/** @type {Cell} Cho et al. 2014, in torch's variant: the reset gate acts on W_hn h + b_hn */
const gru = {
  gates: ["reset", "update", "candidate"],
  blocks: 3,
  hasCell: false,
  keeps: "update",
  exposes: null,
  writes: ({ update, candidate }, k) => (1 - update[k]) * candidate[k],
  recalls: "candidate",
  roles: { kept: "update", added: "candidate" },
  pairs: {
    kept: ["update", "×", "h"],
    added: ["open", "×", "candidate"],
    hidden: ["kept", "+", "added"],
  },
  color: "--gru",
  learns: ["update", "reset"],
  forward(run, t, sx, sh) {
    const { H, hidden } = run;
    const recalled = /** @type {Float64Array} */ (run.recalled);
    const { reset, update, candidate } = run.gates;
    for (let j = 0, at = t * H; j < H; j++, at++) {
      const r = (reset[at] = sigmoid(sx[j] + sh[j]));
      const z = (update[at] = sigmoid(sx[H + j] + sh[H + j]));
      recalled[at] = sh[2 * H + j];
      const n = (candidate[at] = Math.tanh(sx[2 * H + j] + r * recalled[at]));
      hidden[at] = (1 - z) * n + z * before(hidden, run.h0, t, j);
    }
  },
  back(run, t, dh, dc, dsx, dsh) {
    const { H, hidden } = run;
    const recalled = /** @type {Float64Array} */ (run.recalled);
    const { reset, update, candidate } = run.gates;
    for (let j = 0, at = t * H; j < H; j++, at++) {
      const r = reset[at],
        z = update[at],
        n = candidate[at];
      const dn = dh[j] * (1 - z) * (1 - n * n); // gradient of what is inside the tanh
      dsx[j] = dsh[j] = dn * recalled[at] * r * (1 - r);
      dsx[H + j] = dsh[H + j] = dh[j] * (before(hidden, run.h0, t, j) - n) * z * (1 - z);
      dsx[2 * H + j] = dn;
      dsh[2 * H + j] = dn * r;
      dh[j] *= z;
    }
  },
};

/** @type {Cell} Elman 1990 */
const rnn = {
  gates: [],
  blocks: 1,
  hasCell: false,
  keeps: null,
  exposes: null,
  writes: null,
  recalls: null,
  roles: {},
  pairs: {},
  color: "--rnn",
  learns: [],
  forward(run, t, sx, sh) {
    const relu = run.nonlinearity === "relu";
    for (let j = 0, at = t * run.H; j < run.H; j++, at++) {
      const sum = sx[j] + sh[j];
      run.hidden[at] = relu ? Math.max(0, sum) : Math.tanh(sum);
    }
  },
  back(run, t, dh, dc, dsx, dsh) {
    const relu = run.nonlinearity === "relu";
    for (let j = 0, at = t * run.H; j < run.H; j++, at++) {
      const h = run.hidden[at];
      dsx[j] = dsh[j] = dh[j] * (relu ? Number(h > 0) : 1 - h * h);
      dh[j] = 0;
    }
  },
};

/** @type {Record<string, Cell>} */
export const CELLS = { lstm, gru, rnn };

/** Those that learn and forget side by side in the teaching views, the plainest first. */
export const TAUGHT = ["rnn", "gru", "lstm"];
