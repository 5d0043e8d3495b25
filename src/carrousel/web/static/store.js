// @ts-check
/**
 * The one state that all views share. Nothing else is passed between them.
 *
 * @typedef {object} State
 * @property {number} step       the clock: 0..T-1
 * @property {number} operation  0..6 within a step (view 1): concatenate, forget, input,
 *                               candidate, cell, output, hidden
 * @property {boolean} playing
 * @property {number|null} unit  the unit that is looked at
 * @property {number} layer    of a deep network, the one that is looked at
 * @property {"lstm"|"gru"|"rnn"} kind
 * @property {"en"|"fr"} lang
 * @property {"light"|"dark"} theme
 * @property {string|null} missing a model that a link names and that is not here
 * @property {number} trained      counts changes of what was trained here
 * @property {object|null} model   from net/load.js
 * @property {object|null} input   {tokens: [{text, id}], x: [Float32Array, ...]} of a sentence, or
 *                                 {series: Float32Array, x: [Float32Array, ...]} of a series
 * @property {object|null} record  from net/forward.js, recomputed whenever model or input change
 *
 * @typedef {(state: State, changed: Set<string>) => void} Listener
 */

/**
 * @param {State} initial
 * @returns {{state: State, set: (patch: Partial<State>) => void,
 *            subscribe: (listener: Listener) => (() => void)}}
 */
export function createStore(initial) {
  const state = { ...initial };
  const listeners = new Set();

  function set(patch) {
    const changed = new Set(Object.keys(patch).filter((key) => !Object.is(patch[key], state[key])));
    if (changed.size === 0) return;
    Object.assign(state, patch);
    for (const listener of [...listeners]) {
      if (listeners.has(listener)) listener(state, changed); // one may have left meanwhile
    }
  }

  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return { state, set, subscribe };
}
