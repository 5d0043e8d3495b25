// @ts-check
// Which network the cell is of: the one that the page opened, one of its family with another cell,
// or a small one of the chosen kind.

import { isSmall, openedModel, openModel, siblingOf } from "../../live.js";

/** Whether there is a network of this kind that reads what the opened one reads.
 * @param {string} kind */
export const hasOpened = (kind) => openedModel()?.kind === kind || siblingOf(kind) !== null;

/** @param {any} store @param {string} kind */
export const showSmall = (store, kind) => openModel(store, `letters-${kind}`);

/** The opened network, or the one of its family that has this cell: with the same sentence.
 * @param {any} store @param {string} kind */
export async function showOpened(store, kind) {
  const opened = openedModel();
  const sibling = siblingOf(kind);
  if (!sibling) return openModel(store, opened.name);
  const { text } = store.state.model === opened ? store.state.input : {};
  return openModel(store, sibling, { text });
}

/** Another kind of cell: of the size that is shown now, where there is one.
 * @param {any} store @param {string} kind */
export function showKind(store, kind) {
  return hasOpened(kind) && !isSmall(store.state)
    ? showOpened(store, kind)
    : showSmall(store, kind);
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
