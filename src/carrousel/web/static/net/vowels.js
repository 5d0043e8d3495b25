// @ts-check
// Made-up speech: two vowels one after the other, as a voice with two resonances would say them, in
// frames of band energies. Which of the six pairs it was is asked at the end, so that the first vowel
// has to be remembered.

/** @typedef {import("./random.js").Random} Random */

/** The first two resonances of each vowel in Hz (Peterson & Barney 1952, men). */
export const VOWELS = { a: [730, 1090], i: [270, 2290], u: [300, 870] };
const NAMES = /** @type {(keyof typeof VOWELS)[]} */ (Object.keys(VOWELS));
export const PAIRS = NAMES.flatMap((first) =>
  NAMES.filter((second) => second !== first).map((second) => first + second),
);
const EDGES = [150, 300, 450, 650, 850, 1050, 1300, 1700, 2200, 2900]; // of the bands, in Hz
export const BANDS = EDGES.length - 1;
export const FRAMES = 12;
const HARMONICS = 26;
const NOISE = 0.35;

/** How strongly a voice of this pitch sounds at each harmonic. @param {string} vowel @param {number} pitch */
export function harmonics(vowel, pitch) {
  return Array.from({ length: HARMONICS }, (_, k) => {
    const frequency = (k + 1) * pitch;
    const near = VOWELS[vowel].map((center) => 1 / (1 + ((frequency - center) / 90) ** 2));
    return { frequency, size: (near[0] + 0.6 * near[1]) / Math.sqrt(k + 1) };
  });
}

/** Energies of the bands, as logarithms around 0. @param {string} vowel @param {number} pitch */
export function bandEnergies(vowel, pitch) {
  const sounds = harmonics(vowel, pitch);
  return Array.from({ length: BANDS }, (_, band) => {
    const inside = sounds.filter(
      ({ frequency }) => frequency >= EDGES[band] && frequency < EDGES[band + 1],
    );
    return 0.5 * Math.log(inside.reduce((sum, { size }) => sum + size * size, 1e-4)) + 2;
  });
}

/** @returns {import("./tasks.js").Task & {draw: (rng: Random) => {inputs: Float64Array,
 *   target: Float64Array, pair: string, pitch: number, turn: number}}} */
export function vowels() {
  return {
    name: "vowels",
    inputs: BANDS,
    outputs: PAIRS.length,
    steps: FRAMES,
    answers: "class",
    memoryless: Math.log(2), // who hears the last vowel alone, guesses the first
    solved: 0.05,
    draw(rng) {
      const right = rng.integer(PAIRS.length);
      const pitch = 95 + 90 * rng.uniform();
      const turn = 4 + rng.integer(FRAMES - 7); // where the second vowel begins
      const pair = PAIRS[right];
      const heard = [...pair].map((vowel) => bandEnergies(vowel, pitch));
      const inputs = new Float64Array(FRAMES * BANDS);
      for (let t = 0; t < FRAMES; t++)
        for (let band = 0; band < BANDS; band++)
          inputs[t * BANDS + band] = heard[t < turn ? 0 : 1][band] + NOISE * rng.normal();
      const target = new Float64Array(FRAMES).fill(NaN);
      target[FRAMES - 1] = right;
      return { inputs, target, pair, pitch, turn };
    },
  };
}
