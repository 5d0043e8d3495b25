// @ts-check
/**
 * Long work in slices, so that the page answers meanwhile. Work is a generator that stops
 * (`yield`) wherever it may be interrupted, and gives back its result at the end.
 */

const SLICE = 8; // milliseconds of work between two breaths

/** Until other tasks of the page had their turn. */
export const breath = () => new Promise((resolve) => setTimeout(resolve));

/** Everything at once. @template T @param {Generator<void, T>} work @returns {T} */
export function finished(work) {
  for (;;) {
    const { done, value } = work.next();
    if (done) return /** @type {T} */ (value);
  }
}

/**
 * A few milliseconds at a time.
 * @template T @param {Generator<void, T>} work
 * @param {() => boolean} canceled asked after each slice
 * @returns {Promise<T | null>} null if it was canceled
 */
export async function sliced(work, canceled) {
  for (;;) {
    const until = performance.now() + SLICE;
    do {
      const { done, value } = work.next();
      if (done) return /** @type {T} */ (value);
    } while (performance.now() < until);
    await breath();
    if (canceled()) return null;
  }
}
