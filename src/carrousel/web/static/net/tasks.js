// @ts-check
// What a small network can be asked to learn. Each task draws example after example; the same
// questions as carrousel.lab asks, at sizes that a page can train.

/** @typedef {import("./random.js").Random} Random */

/**
 * @typedef {Object} Example
 * @property {Float64Array} inputs (T, I)
 * @property {Float64Array} target numbers that the output should have, NaN where any will do
 *   (T, O); for classes (T), NaN where nothing is asked
 */

/**
 * @typedef {Object} Task
 * @property {string} name
 * @property {number} inputs I @property {number} outputs O
 * @property {number} steps T
 * @property {"number" | "class"} answers
 * @property {number} memoryless the loss of the best answer that remembers nothing
 * @property {number} [solved] the loss below which the task counts as solved
 * @property {(rng: Random) => Example} draw
 */

/**
 * The adding problem (Hochreiter & Schmidhuber 1997): two of T numbers are marked; what is their
 * sum? Numbers in [0, 1], one mark in each half, as later papers do; asked at the last step. The
 * best constant answer, 1, has the mean squared error 1/6.
 * @param {number} steps @returns {Task}
 */
export function adding(steps) {
  const half = Math.floor(steps / 2);
  return {
    name: "adding",
    inputs: 2,
    outputs: 1,
    steps,
    answers: "number",
    memoryless: 1 / 6,
    solved: 0.01,
    draw(rng) {
      const inputs = new Float64Array(steps * 2);
      for (let t = 0; t < steps; t++) inputs[2 * t] = rng.uniform();
      const first = rng.integer(half),
        second = half + rng.integer(steps - half);
      inputs[2 * first + 1] = inputs[2 * second + 1] = 1;
      const target = new Float64Array(steps).fill(NaN);
      target[steps - 1] = inputs[2 * first] + inputs[2 * second];
      return { inputs, target };
    },
  };
}

export const SYMBOLS = 4;

/**
 * Recall: the first of T symbols, asked for after others that mean nothing. One of four to be
 * kept, then four others at random.
 * @param {number} steps @returns {Task}
 */
export function recall(steps) {
  return {
    name: "recall",
    inputs: 2 * SYMBOLS,
    outputs: SYMBOLS,
    steps,
    answers: "class",
    memoryless: Math.log(SYMBOLS),
    solved: 0.05,
    draw(rng) {
      const inputs = new Float64Array(steps * 2 * SYMBOLS),
        target = new Float64Array(steps).fill(NaN);
      const first = rng.integer(SYMBOLS);
      inputs[first] = 1;
      for (let t = 1; t < steps; t++) inputs[t * 2 * SYMBOLS + SYMBOLS + rng.integer(SYMBOLS)] = 1;
      target[steps - 1] = first;
      return { inputs, target };
    },
  };
}

export const VOCABULARY = ["a", "b", "c", "·", "?"];
const LETTERS = 3,
  REST = 3,
  QUESTION = 4;

/**
 * Letters: say the last letter whenever asked "?", and "·" at every other step. A letter has to be
 * written down and the one before erased; at "·" nothing is to be done.
 * @param {number} steps @returns {Task}
 */
export function letters(steps) {
  const size = VOCABULARY.length;
  return {
    name: "letters",
    inputs: size,
    outputs: size,
    steps,
    answers: "class",
    memoryless: 0.3 * Math.log(LETTERS),
    draw(rng) {
      const inputs = new Float64Array(steps * size),
        target = new Float64Array(steps);
      let last = REST;
      for (let t = 0; t < steps; t++) {
        const dice = rng.uniform();
        const token = dice < 0.25 ? rng.integer(LETTERS) : dice < 0.7 ? REST : QUESTION;
        if (token < LETTERS) last = token;
        inputs[t * size + token] = 1;
        target[t] = token === QUESTION ? last : REST;
      }
      return { inputs, target };
    },
  };
}

/**
 * The next value of a noisy sine whose phase and period differ from example to example. What can
 * be learned is the sine; the noise (standard deviation 0.1) cannot be.
 * @param {number} steps @returns {Task}
 */
export function sine(steps) {
  const noise = 0.1;
  return {
    name: "sine",
    inputs: 1,
    outputs: 1,
    steps,
    answers: "number",
    memoryless: 0.5 + noise * noise,
    draw(rng) {
      const phase = 2 * Math.PI * rng.uniform(),
        period = 8 + 8 * rng.uniform();
      const values = Array.from(
        { length: steps + 1 },
        (_, t) => Math.sin(phase + (2 * Math.PI * t) / period) + noise * rng.normal(),
      );
      return {
        inputs: Float64Array.from(values.slice(0, -1)),
        target: Float64Array.from(values.slice(1)),
      };
    },
  };
}

/**
 * The next value of a series of one's own, in windows from anywhere in it. Values are centered and
 * scaled; `center` and `scale` lead back. A hole (NaN) is never asked for, and the network reads
 * the last value known before it. The last `held` values are not learned from: forecasts are
 * measured there.
 * @param {number[]} values @param {number} steps @param {number} [held]
 * @returns {Task & {center: number, scale: number, values: Float64Array, held: number}}
 */
export function series(values, steps, held = 0) {
  const learned = values.length - held;
  const known = values.slice(0, learned).filter(Number.isFinite);
  const most = known.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const center = most * mean(known.map((value) => value / most));
  const spread = most * Math.sqrt(mean(known.map((value) => (value / most - center / most) ** 2)));
  const scale = spread || 1;
  const scaled = Float64Array.from(values, (value) => (value - center) / scale);
  const read = scaled.slice();
  read.forEach((value, t) => {
    if (Number.isNaN(value)) read[t] = t > 0 ? read[t - 1] : 0;
  });
  const length = Math.min(steps, learned - 1);
  const starts = [...Array(learned - length).keys()].filter((from) =>
    scaled.subarray(from + 1, from + length + 1).some(Number.isFinite),
  );
  return {
    name: "series",
    inputs: 1,
    outputs: 1,
    steps: length,
    answers: "number",
    memoryless: spread ? 1 : 0,
    center,
    scale,
    values: scaled,
    held,
    draw(rng) {
      const from = starts[rng.integer(starts.length)];
      return {
        inputs: read.slice(from, from + length),
        target: scaled.slice(from + 1, from + length + 1),
      };
    },
  };
}

/**
 * How many of the last values of a series are kept from learning: a fifth, unless most of what is
 * known would be lost.
 * @param {number[]} values
 */
export function heldOf(values) {
  const held = Math.floor(values.length / 5);
  const known = values.filter(Number.isFinite).length;
  const left = values.slice(0, values.length - held).filter(Number.isFinite).length;
  return 2 * left > known ? held : 0;
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
