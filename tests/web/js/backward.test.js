// @ts-check
// Gradients against central differences, for every cell and at the smallest sizes.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  backLayer,
  backward,
  zeroGradients,
} from "../../../src/carrousel/web/static/net/backward.js";
import { forward, runLayer } from "../../../src/carrousel/web/static/net/forward.js";
import { jacobianNorms } from "../../../src/carrousel/web/static/net/jacobian.js";
import { norm } from "../../../src/carrousel/web/static/net/matrix.js";
import { drawInput, drawModel } from "./models.js";

const SIZES = [
  { T: 5, I: 3, H: 4 },
  { T: 1, I: 1, H: 1 },
  { T: 3, I: 2, H: 17 },
];
const STEP = 1e-6,
  CLOSE = 1e-7; // differences of order STEP² of numbers of order 1

/** Σ above · hidden: a loss whose gradient by the hidden states is `above`. */
const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);

function slope(loss, numbers, at) {
  const held = numbers[at];
  numbers[at] = held + STEP;
  const more = loss();
  numbers[at] = held - STEP;
  const less = loss();
  numbers[at] = held;
  return (more - less) / (2 * STEP);
}

function close(found, wanted, what) {
  assert.ok(
    Math.abs(found - wanted) <= CLOSE * Math.max(1, Math.abs(wanted)),
    `${what}: ${found}, not ${wanted}`,
  );
}

for (const kind of ["lstm", "gru", "rnn"]) {
  for (const { T, I, H } of SIZES) {
    test(`${kind}: the gradients of one layer are the slopes of its loss, T=${T} I=${I} H=${H}`, () => {
      const [layer] = drawModel(kind, { inputs: I, hidden: H }).layers;
      const input = drawInput(T * I),
        above = drawInput(T * H, 3);
      const loss = () => dot(above, runLayer(layer, input).hidden);
      const grads = zeroGradients(layer);
      const { gradInput } = backLayer(layer, runLayer(layer, input), above, grads);
      for (const [name, grad] of Object.entries(grads)) {
        for (let at = 0; at < grad.length; at += 3)
          close(grad[at], slope(loss, layer[name], at), `${name}[${at}]`);
      }
      gradInput.forEach((grad, at) => close(grad, slope(loss, input, at), `input[${at}]`));
    });
  }

  test(`${kind}: each step's share is the norm of what it adds to the gradient`, () => {
    const [layer] = drawModel(kind).layers;
    const run = runLayer(layer, drawInput(3)),
      grads = zeroGradients(layer);
    const { shares } = backLayer(layer, run, drawInput(4, 3), grads);
    close(shares[0], Math.hypot(...Object.values(grads).map((grad) => norm(grad))), "share");
  });

  test(`${kind}: the Jacobian's norm bounds every gradient that goes back`, () => {
    const [layer] = drawModel(kind).layers;
    const T = 6,
      H = 4,
      run = runLayer(layer, drawInput(T * 3));
    const norms = jacobianNorms(layer, run);
    for (let seed = 0; seed < 20; seed++) {
      const above = new Float64Array(T * H);
      above.set(drawInput(H, seed), (T - 1) * H);
      const { gradHidden } = backLayer(layer, run, above);
      for (let t = 1; t < T; t++) {
        // norms[t]: the state after step t - 1
        assert.ok(norm(gradHidden, (t - 1) * H, H) <= norms[t] * norm(above) * (1 + 1e-9));
      }
    }
    assert.equal(norms[T], 1);
  });

  test(`${kind}: two layers with a residual sum`, () => {
    const model = drawModel(kind, { inputs: 4, hidden: 4, depth: 2, residual: true });
    const input = drawInput(5 * 4),
      above = drawInput(5 * 2, 3);
    const loss = () => dot(above, forward(model, input).output);
    const states = backward(model, forward(model, input), above);
    const below = states[0].gradInput;
    // What passes beside the layers: the gradient of the sum that the head reads and layer 1 reads.
    const beside = input.map((_, at) => slope(loss, input, at) - below[at]);
    const record = forward(model, input);
    assert.equal(states.length, 2);
    const top = new Float64Array(record.top.length);
    for (let t = 0; t < 5; t++)
      for (let k = 0; k < 2; k++)
        for (let j = 0; j < 4; j++) {
          top[t * 4 + j] += model.head.weight[k * 4 + j] * above[t * 2 + k];
        }
    beside.forEach((grad, at) => close(grad, top[at] + states[1].gradInput[at], `beside[${at}]`));
  });
}

test("nothing in, nothing out: a zero gradient stays zero", () => {
  const [layer] = drawModel("lstm").layers;
  const { gradHidden, shares } = backLayer(
    layer,
    runLayer(layer, drawInput(6)),
    new Float64Array(8),
  );
  assert.ok([...gradHidden, ...shares].every((value) => value === 0));
});
