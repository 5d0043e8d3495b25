// @ts-check
// Networks small enough to show every number of them: four units that read letters and must say
// the last one whenever they are asked "?". Trained by train_letters.js.

import { WEIGHTS } from "./letters-weights.js";
import { loadModel } from "./load.js";
import { VOCABULARY } from "./tasks.js";

/** @typedef {import("./load.js").Model} Model */

const SIZE = VOCABULARY.length;
const REST = VOCABULARY.indexOf("·");

/** The unit of each small network that a letter is written to most plainly. */
export const WRITTEN = { lstm: 2, gru: 1, rnn: 1 };

/** What the page reads first: letters that come, go and are asked for. */
export const OPENING = "a · · ? · b · ? c · ?";
const BEGINNINGS = [OPENING, "c · · · · · · · · · ?", "a b c ? ? ?", "? · b a · · ? b ?"];

/**
 * @param {"lstm" | "gru" | "rnn"} kind
 * @returns {Model}
 */
export function smallModel(kind) {
  return loadModel({
    format: 1,
    name: `letters-${kind}`,
    kind,
    ...WEIGHTS[kind],
    embedding: Array.from({ length: SIZE * SIZE }, (_, at) => Number(at % (SIZE + 1) === 0)), // one-hot
    vocab: VOCABULARY,
    meta: {
      task: "language",
      small: true,
      opening: OPENING,
      beginnings: BEGINNINGS,
      tokenizer: {
        level: "char",
        characters: VOCABULARY.join(""),
        byte_fallback: false,
        begin: REST,
      },
    },
  });
}
