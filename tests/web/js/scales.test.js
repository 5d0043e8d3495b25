// @ts-check
// What full color stands for: the largest of a value's own kind over the sequence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyRecord } from "../../../src/carrousel/web/static/net/forward.js";
import { runLayer } from "../../../src/carrousel/web/static/net/forward.js";
import { scalesOf } from "../../../src/carrousel/web/static/views/cell/scales.js";
import { drawInput, drawModel } from "./models.js";

const largest = (numbers) => Math.max(...Array.from(numbers, Math.abs));
const GATES = ["forget", "input", "output", "reset", "update", "open"];

for (const kind of ["lstm", "gru", "rnn"]) {
  const [layer] = drawModel(kind, { inputs: 3, hidden: 5 }).layers;
  layer.weight_ih = layer.weight_ih.map((weight) => 6 * weight); // gates that open and close
  const run = runLayer(layer, drawInput(40 * 3, 8), emptyRecord(layer, 40));
  const scale = scalesOf(layer, run);

  test(`${kind}: gates reach from 0 to 1, states to their own largest`, () => {
    for (const gate of GATES) assert.equal(scale(gate), 1);
    assert.equal(scale("x"), largest(run.input));
    assert.equal(scale("hidden"), largest(run.hidden));
    assert.equal(scale("h"), scale("hidden"));
    if (run.gates.candidate) assert.equal(scale("candidate"), largest(run.gates.candidate));
  });
}

test("LSTM: what is added up has one scale, what is bounded by one another", () => {
  const [layer] = drawModel("lstm", { inputs: 2, hidden: 4 }).layers;
  layer.bias_ih.fill(8, 0, 8); // input and forget gates open: the memory grows
  layer.bias_ih.fill(3, 8, 12);
  const run = runLayer(layer, drawInput(20 * 2));
  const scale = scalesOf(layer, run);
  assert.ok(scale("cell") > 5);
  assert.deepEqual([scale("c"), scale("kept")], [scale("cell"), scale("cell")]);
  for (const bounded of ["candidate", "added", "squashed", "hidden"])
    assert.ok(scale(bounded) <= 1, bounded);
  const added = run.gates.input.map((gate, k) => gate * run.gates.candidate[k]);
  assert.equal(scale("added"), largest(added));
});

test("RNN: the sum has the scale of the sum, by arithmetic", () => {
  const [layer] = drawModel("rnn", { inputs: 2, hidden: 3 }).layers;
  const run = runLayer(layer, drawInput(10 * 2));
  const sums = Array.from(run.hidden, Math.atanh);
  assert.ok(Math.abs(scalesOf(layer, run)("sum") - largest(sums)) < 1e-9);
});

test("a value that is zero throughout is no division by zero", () => {
  const [layer] = drawModel("rnn", { inputs: 1, hidden: 1 }).layers;
  for (const part of [layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh]) part.fill(0);
  const scale = scalesOf(layer, runLayer(layer, Float64Array.of(0, 0)));
  assert.ok(scale("hidden") > 0 && scale("x") > 0);
});
