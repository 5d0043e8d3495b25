// @ts-check
// Small models for tests, drawn from a seed.

import { drawLayer, drawLinear } from "../../../src/carrousel/web/static/net/initial.js";
import { random } from "../../../src/carrousel/web/static/net/random.js";

/** A model as `loadModel` gives it. */
export function drawModel(
  kind,
  { inputs = 3, hidden = 4, depth = 1, outputs = 2, residual = false, seed = 1 } = {},
) {
  const rng = random(seed);
  const layers = Array.from({ length: depth }, (_, l) =>
    drawLayer(kind, l ? hidden : inputs, hidden, rng),
  );
  return {
    name: "test",
    kind,
    inputSize: inputs,
    hiddenSize: hidden,
    layers,
    residual,
    embedding: null,
    embed: null,
    head: drawLinear(hidden, outputs, rng),
    vocab: null,
    meta: {},
  };
}

/** (T, I) standard normal numbers in one array. */
export function drawInput(count, seed = 2) {
  const rng = random(seed);
  return Float64Array.from({ length: count }, () => rng.normal());
}
