// @ts-check
// Products of row-major matrices in flat arrays; every one adds to what it is given.

/** @typedef {Float64Array | Float32Array} Numbers */

/**
 * out (R) += W (R, C) x, where x is the row of `columns` numbers that starts at `from`.
 * @param {Numbers} out @param {Numbers} weight @param {Numbers} x
 * @param {number} columns @param {number} [from]
 */
export function addProduct(out, weight, x, columns, from = 0) {
  const whole = columns - (columns % 4);
  for (let row = 0, at = 0; row < out.length; row++) {
    let a = 0,
      b = 0,
      c = 0,
      d = 0; // four sums at once: none has to wait for the one before
    for (let column = from; column < from + whole; column += 4, at += 4) {
      a += weight[at] * x[column];
      b += weight[at + 1] * x[column + 1];
      c += weight[at + 2] * x[column + 2];
      d += weight[at + 3] * x[column + 3];
    }
    for (let column = whole; column < columns; column++) a += weight[at++] * x[from + column];
    out[row] += a + b + (c + d);
  }
}

/**
 * out[from ...] (C) += transposed W (R, C) times y (R).
 * @param {Numbers} out @param {Numbers} weight @param {Numbers} y
 * @param {number} columns @param {number} [from]
 */
export function addTransposedProduct(out, weight, y, columns, from = 0) {
  for (let row = 0, at = 0; row < y.length; row++, at += columns) {
    const factor = y[row];
    if (factor === 0) continue;
    for (let column = 0; column < columns; column++)
      out[from + column] += weight[at + column] * factor;
  }
}

/**
 * out (R, C) += y (R) times the row of C numbers of x that starts at `from`.
 * @param {Numbers} out @param {Numbers} y @param {Numbers} x
 * @param {number} columns @param {number} [from]
 */
export function addOuter(out, y, x, columns, from = 0) {
  for (let row = 0, at = 0; row < y.length; row++, at += columns) {
    const factor = y[row];
    if (factor === 0) continue;
    for (let column = 0; column < columns; column++) out[at + column] += factor * x[from + column];
  }
}

/** Euclidean length of the `count` numbers that start at `from`.
 * @param {ArrayLike<number>} x @param {number} [from] @param {number} [count] */
export function norm(x, from = 0, count = x.length - from) {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += x[i] * x[i];
  return Math.sqrt(sum);
}

/**
 * The largest singular value of a matrix (R, C): power iteration from `start`, which is left at
 * the right singular vector, so that a similar matrix can go on from there.
 * @param {Numbers} matrix @param {number} columns @param {Float64Array} start
 */
export function spectralNorm(matrix, columns, start, tolerance = 1e-10, most = 500) {
  const image = new Float64Array(matrix.length / columns);
  const size = norm(matrix);
  if (!(size > 0) || !Number.isFinite(size)) return size;
  let value = 0;
  for (let round = 0; round < most; round++) {
    const before = value;
    unit(start);
    image.fill(0);
    addProduct(image, matrix, start, columns);
    value = norm(image);
    start.fill(0);
    for (let i = 0; i < image.length; i++) image[i] /= size; // keep far from under- and overflow
    addTransposedProduct(start, matrix, image, columns);
    if (Math.abs(value - before) <= tolerance * value) break;
  }
  return value;
}

/** @param {Float64Array} x */
function unit(x) {
  const size = norm(x);
  if (!(size > 0)) x.fill(1 / Math.sqrt(x.length));
  else for (let i = 0; i < x.length; i++) x[i] /= size;
}
