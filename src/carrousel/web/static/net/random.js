// @ts-check
// Random numbers that depend on a seed alone, so that a page tells the same story to everyone.

/**
 * @typedef {Object} Random
 * @property {() => number} uniform in [0, 1)
 * @property {() => number} normal mean 0, standard deviation 1
 * @property {(below: number) => number} integer in 0 ... below - 1
 * @property {number} state all that the next numbers depend on
 */

/**
 * Mulberry32 (T. Ettinger, 2017): 32 bits of state, period 2^32, enough for pictures.
 * @param {number} seed
 * @returns {Random}
 */
export function random(seed) {
  let state = seed >>> 0;
  function uniform() {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  }
  return {
    uniform,
    normal() {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    },
    integer: (below) => Math.floor(uniform() * below),
    get state() {
      return state;
    },
    set state(value) {
      state = value >>> 0;
    },
  };
}
