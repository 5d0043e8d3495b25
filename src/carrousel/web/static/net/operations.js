// @ts-check
// One step of one cell, operation by operation: the same names, order and formulas as
// carrousel.lab.cell.operations, and for each number the sum that it came from.

import { CELLS, sigmoid } from "./cells.js";
import { addProduct } from "./matrix.js";

/** @typedef {import("./load.js").Layer} Layer @typedef {import("./forward.js").LayerRecord} LayerRecord */

/**
 * @typedef {Object} Term  one product of a weighted sum
 * @property {number} weight @property {number} value
 * @property {string} source "h" | "x" | "b" @property {number} index of the unit or input
 */

/**
 * @typedef {Object} Operation
 * @property {string} id short name, e.g. "forget"
 * @property {string} name as carrousel.lab.cell calls it
 * @property {string} formula @property {string} role key of the palette
 * @property {Float64Array} value
 * @property {string} rule how one number of it comes about: "given", "join", "weighted", "product",
 *   "sum", "tanh", "mix"
 */

/**
 * Every named value of step t.
 * @param {Layer} layer @param {LayerRecord} run @param {number} t
 * @returns {Operation[]}
 */
export function operations(layer, run, t) {
  const { H, I } = run;
  const row = (/** @type {Float64Array} */ states) => states.slice(t * H, (t + 1) * H);
  const past = (/** @type {Float64Array} */ states, /** @type {Float64Array} */ initial) =>
    t > 0 ? states.slice((t - 1) * H, t * H) : initial.slice();
  const x = run.input.slice(t * I, (t + 1) * I),
    h = past(run.hidden, run.h0);
  const start = [
    operation("x", "input", "x", "series", x, "given"),
    operation("h", "hidden state", "h", "hidden", h, "given"),
  ];
  const joined = operation(
    "join",
    "concatenated",
    "[h, x]",
    "series",
    Float64Array.of(...h, ...x),
    "join",
  );
  const made = {
    run,
    row,
    h,
    c: run.cell ? past(run.cell, run.c0) : null,
    hidden: row(run.hidden),
  };
  return [...start, ...OPERATIONS[run.kind]({ ...made, layer, t, joined })];
}

/** @param {any} made @returns {Operation[]} */
function lstm({ run, row, c, hidden, joined }) {
  const f = row(run.gates.forget),
    i = row(run.gates.input),
    g = row(run.gates.candidate);
  const o = row(run.gates.output),
    cell = row(run.cell);
  return [
    operation("c", "cell state", "c", "cell", c, "given"),
    joined,
    operation("forget", "forget gate", "f = σ(W_f [h, x] + b_f)", "forget", f, "weighted"),
    operation("input", "input gate", "i = σ(W_i [h, x] + b_i)", "input", i, "weighted"),
    operation("candidate", "candidate", "g = tanh(W_g [h, x] + b_g)", "candidate", g, "weighted"),
    operation("kept", "kept memory", "f * c", "forget", times(f, c), "product"),
    operation("added", "added memory", "i * g", "input", times(i, g), "product"),
    operation("cell", "new cell state", "c' = f * c + i * g", "cell", cell, "sum"),
    operation("output", "output gate", "o = σ(W_o [h, x] + b_o)", "output", o, "weighted"),
    operation("squashed", "squashed cell state", "tanh(c')", "cell", cell.map(Math.tanh), "tanh"),
    operation("hidden", "new hidden state", "h' = o * tanh(c')", "hidden", hidden, "product"),
  ];
}

/** @param {any} made @returns {Operation[]} */
function gru({ run, row, h, hidden, joined }) {
  const r = row(run.gates.reset),
    z = row(run.gates.update),
    n = row(run.gates.candidate);
  const open = z.map((/** @type {number} */ value) => 1 - value);
  return [
    joined,
    operation("reset", "reset gate", "r = σ(W_r [h, x] + b_r)", "reset", r, "weighted"),
    operation("update", "update gate", "z = σ(W_z [h, x] + b_z)", "update", z, "weighted"),
    operation(
      "recalled",
      "recalled state",
      "r * (W_hn h + b_hn)",
      "reset",
      times(r, row(run.recalled)),
      "product",
    ),
    operation(
      "candidate",
      "candidate",
      "n = tanh(W_in x + b_in + recalled)",
      "candidate",
      n,
      "weighted",
    ),
    operation("kept", "kept memory", "z * h", "update", times(z, h), "product"),
    operation("added", "added memory", "(1 - z) * n", "candidate", times(open, n), "product"),
    operation("hidden", "new hidden state", "h' = (1 - z) * n + z * h", "hidden", hidden, "sum"),
  ];
}

/** @param {any} made @returns {Operation[]} */
function rnn({ layer, run, t, h, hidden, joined }) {
  const sums = Float64Array.from(layer.bias_ih, (bias, unit) => bias + layer.bias_hh[unit]);
  addProduct(sums, layer.weight_ih, run.input, run.I, t * run.I);
  addProduct(sums, layer.weight_hh, h, run.H);
  const name = run.nonlinearity === "relu" ? "relu" : "tanh";
  return [
    joined,
    operation("sum", "weighted sum", "a = W [h, x] + b", "candidate", sums, "weighted"),
    operation("hidden", "new hidden state", `h' = ${name}(a)`, "hidden", hidden, "tanh"),
  ];
}

/** How each kind of cell comes to its new state, in words. @type {Record<string, (made: any) => Operation[]>} */
const OPERATIONS = { lstm, gru, rnn };

/**
 * The weighted sum behind one unit of a gate, candidate or RNN: its terms and what they add up to.
 * For the GRU's candidate the terms over h, and their bias, are weighted by the reset gate, as it
 * acts on the whole recalled sum.
 * @param {Layer} layer @param {LayerRecord} run @param {number} t
 * @param {string} gate name of the weights' block, or "sum" for the RNN @param {number} unit
 * @returns {{terms: Term[], sum: number, result: number}}
 */
export function weightedSum(layer, run, t, gate, unit) {
  const { H, I } = run;
  const block = Math.max(0, CELLS[layer.kind].gates.indexOf(gate)),
    line = block * H + unit;
  const reset = CELLS[layer.kind].recalls === gate ? run.gates.reset[t * H + unit] : 1;
  const h = t > 0 ? run.hidden.subarray((t - 1) * H, t * H) : run.h0;
  /** @type {Term[]} */
  const terms = [];
  for (let j = 0; j < H; j++)
    terms.push({
      weight: reset * layer.weight_hh[line * H + j],
      value: h[j],
      source: "h",
      index: j,
    });
  for (let j = 0; j < I; j++)
    terms.push({
      weight: layer.weight_ih[line * I + j],
      value: run.input[t * I + j],
      source: "x",
      index: j,
    });
  terms.push({
    weight: layer.bias_ih[line] + reset * layer.bias_hh[line],
    value: 1,
    source: "b",
    index: 0,
  });
  const sum = terms.reduce((total, { weight, value }) => total + weight * value, 0);
  const bounded =
    gate === "candidate" ? Math.tanh : gate === "sum" ? (/** @type {number} */ s) => s : sigmoid;
  return { terms, sum, result: bounded(sum) };
}

/** @param {string} id @param {string} name @param {string} formula @param {string} role
 *  @param {Float64Array} value @param {string} rule @returns {Operation} */
function operation(id, name, formula, role, value, rule) {
  return { id, name, formula, role, value, rule };
}

/** @param {Float64Array} a @param {Float64Array} b */
const times = (a, b) => a.map((value, at) => value * b[at]);
