// @ts-check
/** How much of each frequency is in a few hundred samples (Cooley & Tukey 1965). */

/** @type {Map<number, {cosines: Float64Array, sines: Float64Array, order: Uint32Array}>} */
const tables = new Map();

/**
 * @param {Float64Array} samples as many as a power of two
 * @returns {Float64Array} (samples / 2 + 1) squared magnitudes, from the mean to half the rate
 */
export function powerSpectrum(samples) {
  const n = samples.length;
  const { cosines, sines, order } = tablesOf(n);
  const re = Float64Array.from(order, (k) => samples[k]);
  const im = new Float64Array(n);
  for (let half = 1; half < n; half *= 2) {
    const stride = n / (2 * half);
    for (let start = 0; start < n; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [a, b] = [start + k, start + k + half];
        const [cos, sin] = [cosines[k * stride], sines[k * stride]];
        const [x, y] = [re[b] * cos + im[b] * sin, im[b] * cos - re[b] * sin];
        [re[b], im[b]] = [re[a] - x, im[a] - y];
        [re[a], im[a]] = [re[a] + x, im[a] + y];
      }
    }
  }
  return Float64Array.from({ length: n / 2 + 1 }, (_, k) => re[k] * re[k] + im[k] * im[k]);
}

/** Angles of a circle in n parts, and the order in which halves of halves come. @param {number} n */
function tablesOf(n) {
  const known = tables.get(n);
  if (known) return known;
  const bits = Math.log2(n);
  if (!Number.isInteger(bits)) throw new RangeError(`a spectrum needs 2^k samples, got ${n}`);
  const angle = (/** @type {number} */ k) => (2 * Math.PI * k) / n;
  const order = new Uint32Array(n);
  for (let k = 1; k < n; k++) order[k] = (order[k >> 1] >> 1) | ((k & 1) << (bits - 1));
  const made = {
    cosines: Float64Array.from({ length: n / 2 }, (_, k) => Math.cos(angle(k))),
    sines: Float64Array.from({ length: n / 2 }, (_, k) => Math.sin(angle(k))),
    order,
  };
  tables.set(n, made);
  return made;
}
