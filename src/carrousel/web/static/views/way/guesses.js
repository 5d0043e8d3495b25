// @ts-check
/** What the network says after a step: of words the likeliest, of a series the next values. */

import { nextWords } from "../../asking.js";
import { readForecast } from "../../forecaster.js";
import { forward } from "../../net/forward.js";

export const MODES = ["ann", "loop", "unrolled"];
const SHOWN = 5;

/**
 * @param {any} state @param {number} step @param {string} mode without the loop, what came before
 *   does not count: the network reads this step alone
 * @returns {{id: number, text: string, value: number, share: boolean}[]} the likeliest first
 */
export function guesses({ model, input, record }, step, mode) {
  const alone = mode === "ann";
  if (model.meta.task !== "language") return alone ? [] : values(model, input, record, step);
  const run = alone ? forward(model, [input.x[step]]) : record;
  const left = step === record.T - 1 ? input.left : "";
  return nextWords(model, run, alone ? 0 : step, left)
    .slice(0, SHOWN)
    .map(({ id, text, probability }) => ({ id, text, value: probability, share: true }));
}

function values(model, input, record, step) {
  const { quantiles } = readForecast(model, input, record, step);
  return quantiles
    .slice(0, SHOWN)
    .map((row, id) => ({ id, text: `+${id + 1}`, value: row[(row.length - 1) / 2], share: false }));
}
