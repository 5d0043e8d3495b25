// @ts-check
/**
 * A network that hears: samples in, and for each frame what was heard, every gate and state, and
 * the chance that nothing is said, or each label. What is said is told as soon as it is likeliest
 * (carrousel/sequence/transcript_stream.py).
 */

import { CELLS } from "../net/cells.js";
import { emptyRecord, linear, runLayer, softmax } from "../net/forward.js";
import { decode } from "../net/load.js";
import { Level, LogMel } from "./log-mel.js";

/** @typedef {import("../net/load.js").Model} Model */
/**
 * @typedef {Object} Moment
 * @property {Float64Array} bands relative to the loudest so far, as the network reads them
 * @property {Record<string, Float64Array>[]} layers gates and states (H) by name, of each layer
 * @property {Float64Array} chances (1 + labels) that nothing is said, and each label
 * @property {string | null} said a label that was told here
 */

export class Listener {
  /** @param {Model} model */
  constructor(model) {
    const { features, scales, labels, temperature } = model.meta;
    this.model = model;
    this.labels = labels;
    this.temperature = temperature;
    this.hop = features.step / features.rate; // seconds
    this.scales = {
      mean: decode(scales.mean, "scales.mean"),
      scale: decode(scales.scale, "scales.scale"),
      largest: scales.largest,
    };
    this.sound = new LogMel(features);
    this.level = new Level(features);
    this.restart();
  }

  /** Nothing was heard yet. */
  restart() {
    this.sound.restart();
    this.level.restart();
    this.runs = this.model.layers.map((layer) => emptyRecord(layer, 1));
    this.likeliest = 0;
  }

  /** @param {Float32Array} samples at the rate of the model @returns {Generator<void, Moment[]>} */
  *hear(samples) {
    const moments = [];
    for (const frame of this.sound.push(samples)) {
      moments.push(this.moment(this.level.push(frame)));
      yield;
    }
    return moments;
  }

  /** The sound has ended. @returns {Moment[]} of frames that waited for more */
  finish() {
    return this.sound.finish().map((frame) => this.moment(this.level.push(frame)));
  }

  /** @param {Float64Array} bands @returns {Moment} */
  moment(bands) {
    const { mean, scale, largest } = this.scales;
    let row = bands.map((value, k) =>
      Math.min(Math.max((value - mean[k]) / scale[k], -largest), largest),
    );
    const layers = this.model.layers.map((layer, k) => {
      const run = this.runs[k];
      runLayer(layer, row, run);
      run.h0.set(run.hidden);
      if (run.cell) run.c0.set(run.cell);
      row = run.hidden.slice();
      return kept(run);
    });
    const logits = linear(this.model.head, row);
    const chances = softmax(logits.map((value) => value / this.temperature));
    const best = chances.indexOf(Math.max(...chances));
    const said = best > 0 && best !== this.likeliest ? this.labels[best - 1] : null;
    this.likeliest = best;
    return { bands, layers, chances, said };
  }
}

/** What is looked at of a step. @param {import("../net/forward.js").LayerRecord} run */
function kept(run) {
  const { gates } = CELLS[run.kind];
  const found = gates.map((name) => [name, run.gates[name].slice()]);
  if (run.cell) found.push(["cell", run.cell.slice()]);
  found.push(["hidden", run.hidden.slice()]);
  return Object.fromEntries(found);
}
