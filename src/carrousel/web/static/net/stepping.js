// @ts-check
// A language model that reads token by token and carries its states along, and what it writes.

import { emptyRecord, linear, runLayer, softmax } from "./forward.js";

/** @typedef {import("./load.js").Model} Model @typedef {import("./random.js").Random} Random */

export class Reader {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.runs = model.layers.map((layer) => emptyRecord(layer, 1));
  }

  /** Reads one token. @param {number} token @returns {Float64Array} (V) the head's logits */
  read(token) {
    const { embedding, layers, residual, head } = this.model;
    let row = Float64Array.from(
      embedding.weight.subarray(token * embedding.inputs, (token + 1) * embedding.inputs),
    );
    layers.forEach((layer, k) => {
      const run = this.runs[k];
      runLayer(layer, row, run);
      run.h0.set(run.hidden);
      if (run.cell) run.c0.set(run.cell);
      row = residual ? row.map((value, j) => value + run.hidden[j]) : run.hidden.slice();
    });
    return linear(head, row);
  }
}

/**
 * What the model writes by itself, drawn by its own probabilities, the token that begins a line
 * first. Without `ends`, it may not end before its length.
 * @param {Model} model @param {{length: number, draw: Random, temperature?: number,
 *   ends?: boolean}} options
 * @returns {Generator<void, number[]>}
 */
export function* write(model, { length, draw, temperature = 1, ends = false }) {
  const { begin } = model.meta.tokenizer;
  const reader = new Reader(model);
  const ids = [begin];
  let logits = reader.read(begin);
  while (ids.length < length) {
    yield;
    const next = drawn(logits, { begin: ends ? null : begin, temperature, draw });
    if (next === begin) break;
    ids.push(next);
    logits = reader.read(next);
  }
  return ids;
}

/** One of the tokens by their probabilities; never `begin`.
 * @param {Float64Array} logits
 * @param {{begin: number | null, temperature: number, draw: Random}} options */
export function drawn(logits, { begin, temperature, draw }) {
  const warm = logits.map((value) => value / Math.max(temperature, 1e-6));
  if (begin !== null) warm[begin] = -Infinity;
  let rest = draw.uniform();
  const found = softmax(warm).findIndex((chance) => (rest -= chance) < 0);
  return found >= 0 ? found : warm.indexOf(Math.max(...warm));
}
