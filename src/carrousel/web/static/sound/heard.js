// @ts-check
/** What was heard, and what the network made of it: of a long sound the last moments. */

import { Listener } from "./listener.js";

/** @typedef {import("./listener.js").Moment} Moment */

export class Heard {
  /** @param {import("../net/load.js").Model} model @param {number} most moments that are kept */
  constructor(model, most) {
    this.listener = new Listener(model);
    this.most = most;
    this.clear();
  }

  clear() {
    this.listener.restart();
    /** @type {Moment[]} */
    this.moments = [];
    this.first = 0; // the number of the first moment that is kept
    /** @type {Float32Array[]} */
    this.parts = [];
    this.gone = 0; // samples before the first part
    /** @type {string[]} */
    this.said = []; // all that was said
  }

  /** More sound. @param {Float32Array} samples @returns {Generator<void, void>} */
  *hear(samples) {
    this.parts.push(samples);
    this.add(yield* this.listener.hear(samples));
  }

  finish() {
    this.add(this.listener.finish());
  }

  /** @param {Moment[]} moments */
  add(moments) {
    for (const { said } of moments) if (said !== null) this.said.push(said);
    this.moments.push(...moments);
    const over = Math.max(this.moments.length - this.most, 0);
    this.moments.splice(0, over);
    this.first += over;
    while (this.parts.length && this.gone + this.parts[0].length <= this.start)
      this.gone += this.parts.shift().length;
  }

  /** The sample with which the first moment begins that is kept. */
  get start() {
    return this.first * this.listener.model.meta.features.step;
  }

  /** Seconds from the beginning to a moment. @param {number} k */
  second(k) {
    return (this.first + k) * this.listener.hop;
  }

  /** The samples of the moments that are kept. @returns {Float32Array} */
  samples() {
    const all = new Float32Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all.subarray(Math.min(this.start - this.gone, all.length));
  }
}
