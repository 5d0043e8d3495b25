// @ts-check
// A network small enough to show every number of it: it reads letters and must say the last one
// whenever it is asked "?". A letter has to be written down and the one before to be erased; at
// "·" nothing is to be done; only at "?" something is to be said. Trained here, in a moment.

import { Trainer } from "./trainer.js";

/** @typedef {import("./load.js").Model} Model @typedef {import("./tasks.js").Task} Task */

export const VOCABULARY = ["a", "b", "c", "·", "?"];
const LETTERS = 3, REST = 3, QUESTION = 4;
const SIZE = VOCABULARY.length, UNITS = 6;
const UPDATES = { lstm: 500, gru: 500, rnn: 500 };

/** Say the last letter at "?", else "·"; before any letter, "·" too.
 * @param {number} steps @returns {Task} */
export function letters(steps) {
  return {
    inputs: SIZE, outputs: SIZE, steps, answers: "class", memoryless: 0.3 * Math.log(LETTERS),
    draw(rng) {
      const inputs = new Float64Array(steps * SIZE), target = new Float64Array(steps);
      let last = REST;
      for (let t = 0; t < steps; t++) {
        const dice = rng.uniform();
        const token = dice < 0.25 ? rng.integer(LETTERS) : dice < 0.7 ? REST : QUESTION;
        if (token < LETTERS) last = token;
        inputs[t * SIZE + token] = 1;
        target[t] = token === QUESTION ? last : REST;
      }
      return { inputs, target };
    },
  };
}

/** @type {Map<string, Model>} */
const trained = new Map();

/**
 * The network, trained at the first call.
 * @param {"lstm" | "gru" | "rnn"} kind
 * @returns {Model}
 */
export function smallModel(kind) {
  const before = trained.get(kind);
  if (before) return before;
  const trainer = new Trainer(letters(16), { kind, hidden: UNITS, batch: 8, seed: 4, forgetBias: 1 });
  for (let update = 0; update < UPDATES[kind]; ) if (trainer.advance(0.03)) update++;
  const model = asModel(trainer);
  trained.set(kind, model);
  return model;
}

/** @param {Trainer} trainer @returns {Model} */
function asModel({ kind, layer, head }) {
  const unit = Float64Array.from({ length: SIZE * SIZE }, (_, at) => Number(at % (SIZE + 1) === 0));
  return {
    name: `letters-${kind}`, kind, inputSize: SIZE, hiddenSize: UNITS, layers: [layer], residual: false,
    embedding: { weight: unit, bias: null, inputs: SIZE, outputs: SIZE }, embed: null, head,
    vocab: VOCABULARY, meta: { task: "language", begin: REST, unknown: REST, small: true },
  };
}
