// @ts-check
// Which network the cell is of: the one that the page opened, or a small one of the chosen kind.

import { forward } from "../../net/forward.js";
import { OPENING, smallModel } from "../../net/small.js";
import { readSentence } from "../../tokenizer.js";

/** What the page opened, for the way back from a small network. @type {any} */
let opened = null;

/** @param {any} state */
export const isSmall = (state) => Boolean(state.model?.meta.small);

/** Remembers the network that the page shows, unless it is a small one. @param {any} state */
export function remember(state) {
  if (state.model && !isSmall(state))
    opened = { model: state.model, input: state.input, layer: state.layer };
}

/** The opened network, if its cells are of this kind. @param {string} kind */
export const openedOf = (kind) => (opened?.model.kind === kind ? opened.model : null);

/** The unit of each small network that a letter is written to most plainly. */
const WRITTEN = { lstm: 2, gru: 1, rnn: 1 };

/** @param {any} store @param {"lstm" | "gru" | "rnn"} kind */
export function showSmall(store, kind) {
  const model = smallModel(kind),
    input = readSentence(model, OPENING);
  show(store, { model, input, layer: 0 }, 1, WRITTEN[kind]);
}

/** @param {any} store */
export function showOpened(store) {
  show(store, opened, Infinity, null);
}

/** @param {any} store @param {any} network @param {number} step @param {number | null} unit */
function show(store, { model, input, layer }, step, unit) {
  const record = forward(model, input.x);
  store.set({
    model,
    input,
    record,
    kind: model.kind,
    layer,
    unit,
    playing: false,
    step: Math.min(step, record.T - 1),
    operation: 6,
  });
}

/** The unit to look at first: the one whose memory moves most. @param {any} run */
export function busiest(run) {
  const states = run.cell ?? run.hidden;
  let best = 0,
    most = -1;
  for (let unit = 0; unit < run.H; unit++) {
    let moved = 0;
    for (let t = 1; t < run.T; t++)
      moved += Math.abs(states[t * run.H + unit] - states[(t - 1) * run.H + unit]);
    if (moved > most) [best, most] = [unit, moved];
  }
  return best;
}
