// @ts-check
// A model read forwards over a sequence. What comes out is the record: every gate and every state
// of every step, which is also all that the way back needs.

import { CELLS } from "./cells.js";
import { addProduct } from "./matrix.js";

const PIECE = 16; // steps that are made between two pauses

/**
 * One layer's run. T steps, I inputs, H hidden units; arrays are flat, step t owns the row from
 * t * H (or t * I) on.
 *
 * @typedef {Object} LayerRecord
 * @property {string} kind "lstm" | "gru" | "rnn"
 * @property {string} nonlinearity of the RNN: "tanh" | "relu"
 * @property {number} T @property {number} I @property {number} H
 * @property {Float64Array} input (T, I) what the layer read
 * @property {Float64Array} hidden (T, H)
 * @property {Float64Array | null} cell (T, H), LSTM only
 * @property {Record<string, Float64Array>} gates name -> (T, H)
 * @property {Float64Array | null} recalled (T, H), GRU only: W_hn h + b_hn, what its reset gate acts on
 * @property {Float64Array} h0 (H) @property {Float64Array} c0 (H)
 */

/**
 * The run of a whole model. `gates`, `hidden`, `cell`, `H` are those of the last layer.
 *
 * @typedef {Object} ModelRecord
 * @property {string} kind
 * @property {number} T @property {number} H
 * @property {LayerRecord[]} layers
 * @property {Float64Array} hidden @property {Float64Array | null} cell
 * @property {Record<string, Float64Array>} gates
 * @property {Float64Array} top (T, H) what the head reads: hidden, plus the residual sum if there is one
 * @property {(t: number) => Float64Array | null} said (O) what the head says at step t, e.g. logits
 * @property {Float64Array | null} output (T, O) the same of all steps; made when it is asked for
 */

/**
 * What may change a step before the next one reads it. `sx`: what the step's input adds to each
 * gate, with its bias.
 * @typedef {(run: LayerRecord, t: number, sx: Float64Array) => void} AfterStep
 */

/** @typedef {import("./load.js").Model} Model @typedef {import("./load.js").Layer} Layer
 *  @typedef {import("./load.js").Linear} Linear */

/**
 * @param {Model} model
 * @param {ArrayLike<number> | ArrayLike<ArrayLike<number>>} sequence token numbers if the model
 *   has an embedding; otherwise T vectors, or T * I numbers in one flat array
 * @param {(layer: number) => AfterStep | undefined} [after] of each layer, see `runLayer`
 * @returns {ModelRecord}
 */
export function forward(model, sequence, after) {
  const work = forwardSlices(model, sequence, after);
  let next = work.next();
  while (!next.done) next = work.next();
  return next.value;
}

/**
 * The same with a pause after every few steps.
 * @param {Model} model @param {any} sequence @param {(layer: number) => AfterStep | undefined} [after]
 * @returns {Generator<void, ModelRecord>}
 */
export function* forwardSlices(model, sequence, after) {
  let rows = inputRows(model, sequence);
  if (model.embed) rows = linear(model.embed, rows);
  const layers = [];
  for (const [k, layer] of model.layers.entries()) {
    const run = emptyRecord(layer, rows.length / layer.inputs);
    run.input.set(rows);
    for (let t = 0; t < run.T; t += PIECE) {
      runSteps(layer, run, t, Math.min(run.T, t + PIECE), after?.(k));
      yield;
    }
    rows = model.residual ? rows.map((value, at) => value + run.hidden[at]) : run.hidden;
    layers.push(run);
  }
  return assembled(model, layers, rows);
}

/**
 * The record of a whole model from those of its layers; what its head says is computed when asked.
 * @param {Model} model @param {LayerRecord[]} layers @param {Float64Array} top
 * @returns {ModelRecord}
 */
function assembled(model, layers, top) {
  const last = layers[layers.length - 1];
  const { head } = model;
  /** @type {Float64Array | null} */
  let output = null;
  return {
    kind: last.kind,
    T: last.T,
    H: last.H,
    layers,
    hidden: last.hidden,
    cell: last.cell,
    gates: last.gates,
    top,
    said: (t) => head && linear(head, top.subarray(t * head.inputs, (t + 1) * head.inputs)),
    get output() {
      output ??= head && linear(head, top);
      return output;
    },
  };
}

/**
 * An empty record, to be filled (and refilled) by `runLayer`.
 * @param {Layer} layer @param {number} T @returns {LayerRecord}
 */
export function emptyRecord(layer, T) {
  const { kind, nonlinearity, inputs, hidden: H } = layer;
  const states = () => new Float64Array(T * H);
  return {
    kind,
    nonlinearity,
    T,
    I: inputs,
    H,
    input: new Float64Array(T * inputs),
    hidden: states(),
    cell: CELLS[kind].hasCell ? states() : null,
    gates: Object.fromEntries(CELLS[kind].gates.map((name) => [name, states()])),
    recalled: CELLS[kind].recalls ? states() : null,
    h0: new Float64Array(H),
    c0: new Float64Array(H),
  };
}

/** The states of a run before step t, to go on from. @param {LayerRecord} run @param {number} t */
export function stateBefore({ H, hidden, cell, h0, c0 }, t) {
  const row = (states, first) => (t > 0 ? states.slice((t - 1) * H, t * H) : first);
  return { h0: row(hidden, h0), c0: cell ? row(cell, c0) : c0 };
}

/**
 * All steps of one layer. A given record of the right size is written over, which saves memory
 * where thousands of sequences are run.
 * @param {Layer} layer @param {ArrayLike<number>} input (T, I) @param {LayerRecord} [record]
 * @param {AfterStep} [after] is called when a step has been made
 * @returns {LayerRecord}
 */
export function runLayer(layer, input, record, after) {
  const run = record ?? emptyRecord(layer, input.length / layer.inputs);
  run.input.set(input);
  runSteps(layer, run, 0, run.T, after);
  return run;
}

/**
 * @param {Layer} layer @param {LayerRecord} run whose input is there
 * @param {number} from @param {number} to behind the last step @param {AfterStep} [after]
 */
function runSteps(layer, run, from, to, after) {
  const cell = CELLS[layer.kind];
  const { H, I } = run;
  const sx = new Float64Array(cell.blocks * H),
    sh = new Float64Array(cell.blocks * H);
  for (let t = from; t < to; t++) {
    sx.set(layer.bias_ih);
    sh.set(layer.bias_hh);
    addProduct(sx, layer.weight_ih, run.input, I, t * I);
    if (t > 0) addProduct(sh, layer.weight_hh, run.hidden, H, (t - 1) * H);
    else addProduct(sh, layer.weight_hh, run.h0, H);
    cell.forward(run, t, sx, sh);
    after?.(run, t, sx);
  }
}

/**
 * (T, I) to (T, O).
 * @param {Linear} map @param {Float64Array} rows
 */
export function linear(map, rows) {
  const T = rows.length / map.inputs;
  const out = new Float64Array(T * map.outputs);
  for (let t = 0; t < T; t++) {
    const row = out.subarray(t * map.outputs, (t + 1) * map.outputs);
    if (map.bias) row.set(map.bias);
    addProduct(row, map.weight, rows, map.inputs, t * map.inputs);
  }
  return out;
}

/** Probabilities from logits, in a new array. @param {ArrayLike<number>} logits */
export function softmax(logits) {
  let top = -Infinity,
    sum = 0;
  for (let k = 0; k < logits.length; k++) top = Math.max(top, logits[k]);
  const out = Float64Array.from(logits, (value) => Math.exp(value - top));
  for (const value of out) sum += value;
  return out.map((value) => value / sum);
}

/** @param {Model} model @param {any} sequence @returns {Float64Array} (T, I) */
export function inputRows(model, sequence) {
  if (!sequence.length) throw new RangeError("sequence is empty; it needs one step or more");
  if (model.embedding) return embedded(model.embedding, sequence);
  const width = model.embed ? model.embed.inputs : model.layers[0].inputs;
  const flat =
    typeof sequence[0] === "number" ? sequence : Array.from(sequence, (row) => [...row]).flat();
  if (flat.length % width) {
    throw new RangeError(`sequence has ${flat.length} numbers; they must fill rows of ${width}`);
  }
  return Float64Array.from(flat);
}

/** @param {Linear} table @param {ArrayLike<number>} tokens */
function embedded(table, tokens) {
  const out = new Float64Array(tokens.length * table.inputs);
  for (let t = 0; t < tokens.length; t++) {
    const token = tokens[t];
    if (!(token >= 0 && token < table.outputs)) {
      throw new RangeError(`token ${token} at step ${t} is not among the ${table.outputs} known`);
    }
    const from = token * table.inputs;
    out.set(table.weight.subarray(from, from + table.inputs), t * table.inputs);
  }
  return out;
}
