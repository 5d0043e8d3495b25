// @ts-check
/**
 * Log-mel frames of a sound as it goes on: the same as carrousel/audio/log_mel.py and leveling.py.
 * How a model hears is in its description (`meta.features`), in samples.
 *
 * @typedef {{rate: number, bands: number, low: number, high: number, floor: number,
 *   samples: number, step: number, size: number, faded: number, rest: number, quietest: number}}
 *   Features  samples: in a window; step: from one frame to the next; size: of the transform
 */

import { powerSpectrum } from "./spectrum.js";

/** @param {number} hertz */
const mel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
/** @param {number} mels */
const hertz = (mels) => 700 * (10 ** (mels / 2595) - 1);

/** A window that begins at zero and would end there one sample later. @param {number} samples */
const hann = (samples) =>
  Float64Array.from({ length: samples }, (_, k) =>
    Math.fround(0.5 - 0.5 * Math.cos((2 * Math.PI * k) / samples)),
  );

/**
 * Triangles over frequencies, their edges at equal distances on the mel scale.
 * @param {Features} features @returns {{first: number, weights: Float64Array}[]} for each band from
 *   which frequency on how much of each
 */
export function filters({ rate, bands, low, high, size }) {
  const [from, to] = [mel(low), mel(high)];
  const edges = Array.from({ length: bands + 2 }, (_, k) =>
    hertz(from + ((to - from) * k) / (bands + 1)),
  );
  return Array.from({ length: bands }, (_, band) => {
    const [left, middle, right] = edges.slice(band);
    const first = Math.max(Math.ceil((left * size) / rate), 0);
    const last = Math.min(Math.floor((right * size) / rate), size / 2);
    const weights = Float64Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) => {
      const bin = ((first + k) * rate) / size;
      const share = Math.min((bin - left) / (middle - left), (right - bin) / (right - middle));
      return Math.fround(Math.max(share, 0));
    });
    return { first, weights };
  });
}

/** Frames as they are complete: (bands) logarithms of power each. */
export class LogMel {
  /** @param {Features} features */
  constructor(features) {
    this.features = features;
    this.window = hann(features.samples);
    this.filters = filters(features);
    this.restart();
  }

  /** Nothing was heard yet. */
  restart() {
    this.left = new Float32Array(0); // samples of frames that are not complete
    this.began = false;
  }

  /** More sound, any number of samples. @param {Float32Array} samples @returns {Float64Array[]} */
  push(samples) {
    const { samples: width, step } = this.features;
    const line = new Float32Array(this.left.length + samples.length);
    line.set(this.left);
    line.set(samples, this.left.length);
    const frames = [];
    let at = 0;
    for (; at + width <= line.length; at += step) frames.push(this.frame(line.subarray(at)));
    this.began ||= frames.length > 0;
    this.left = line.slice(at);
    return frames;
  }

  /** The sound has ended: what is shorter than a window is filled with silence.
   * @returns {Float64Array[]} */
  finish() {
    const short = !this.began && this.left.length > 0;
    const frames = short ? [this.frame(this.left)] : [];
    this.restart();
    return frames;
  }

  /** @param {Float32Array} samples from the frame's first one on @returns {Float64Array} */
  frame(samples) {
    const { size, floor } = this.features;
    const windowed = new Float64Array(size);
    const count = Math.min(this.window.length, samples.length);
    for (let k = 0; k < count; k++) windowed[k] = samples[k] * this.window[k];
    const power = powerSpectrum(windowed);
    return Float64Array.from(this.filters, ({ first, weights }) => {
      let sum = floor;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * power[first + k];
      return Math.log(sum);
    });
  }
}

/** Frames relative to the loudest so far, which fades slowly. */
export class Level {
  /** @param {Features} features */
  constructor({ faded, rest, quietest }) {
    this.faded = faded;
    this.rest = rest;
    this.quietest = Math.log(quietest);
    this.restart();
  }

  /** Nothing was heard yet. */
  restart() {
    this.peak = this.quietest; // logarithm of a frame's power
  }

  /** @param {Float64Array} frame @returns {Float64Array} */
  push(frame) {
    const top = Math.max(...frame);
    let sum = 0;
    for (const value of frame) sum += Math.exp(value - top);
    this.peak = Math.max(top + Math.log(sum), this.peak - this.faded, this.quietest);
    return frame.map((value) => Math.log(Math.exp(value - this.peak) + this.rest));
  }
}
