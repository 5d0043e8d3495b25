// @ts-check
/** A microphone's samples at the rate that a model was trained with, part by part. */

const CROSSINGS = 16; // of the sinc on each side
const FINE = 64; // values of it from one sample of the source to the next

/** Windowed sinc: what the lower rate cannot hold is taken away before. */
export class Resampler {
  /** @param {number} from samples a second @param {number} to */
  constructor(from, to) {
    this.ratio = from / to; // samples of the source for each of the result
    const cutoff = 0.95 * Math.min(1, to / from); // of half the source's rate
    this.reach = Math.ceil(CROSSINGS / cutoff);
    this.weights = Float64Array.from({ length: this.reach * FINE + 2 }, (_, k) => {
      const x = (Math.PI * cutoff * k) / FINE;
      const window =
        k < this.reach * FINE ? 0.5 + 0.5 * Math.cos((Math.PI * k) / FINE / this.reach) : 0;
      return cutoff * (x === 0 ? 1 : Math.sin(x) / x) * window;
    });
    this.left = new Float32Array(this.reach); // before the first sample there is silence
    this.at = this.reach; // where the next result lies in what is left
  }

  /** @param {Float32Array} samples @returns {Float32Array} as many as are certain */
  push(samples) {
    if (this.ratio === 1) return samples;
    const line = new Float32Array(this.left.length + samples.length);
    line.set(this.left);
    line.set(samples, this.left.length);
    const made = [];
    for (; this.at + this.reach < line.length; this.at += this.ratio) made.push(this.value(line));
    const done = Math.min(Math.max(Math.floor(this.at) - this.reach, 0), line.length);
    this.left = line.slice(done);
    this.at -= done;
    return Float32Array.from(made);
  }

  /** @param {Float32Array} line @returns {number} what it is at `this.at` */
  value(line) {
    let sum = 0;
    for (let k = Math.ceil(this.at - this.reach); k <= this.at + this.reach; k++) {
      const away = Math.abs(k - this.at) * FINE;
      const before = Math.floor(away);
      const [low, high] = [this.weights[before], this.weights[before + 1]];
      sum += (low + (high - low) * (away - before)) * line[k];
    }
    return sum;
  }
}
