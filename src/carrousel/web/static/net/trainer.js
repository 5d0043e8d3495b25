// @ts-check
// A small network and the loop that trains it, cut so fine that a page can draw between two cuts:
// one cut is one sequence, and an update follows after every `batch` of them.

import { backLayer, backLinear, zeroGradients } from "./backward.js";
import { emptyRecord, linear, runLayer } from "./forward.js";
import { drawLayer, drawLinear } from "./initial.js";
import { crossEntropy, squaredError } from "./losses.js";
import { adam, clip, gradientDescent } from "./optimizers.js";
import { random } from "./random.js";

/** @typedef {import("./tasks.js").Task} Task @typedef {import("./tasks.js").Example} Example */

/**
 * @typedef {Object} TrainingOptions
 * @property {string} kind "lstm" | "gru" | "rnn"
 * @property {number} hidden H
 * @property {number} [batch] sequences an update
 * @property {number} [seed]
 * @property {"adam" | "sgd"} [optimizer]
 * @property {number | null} [forgetBias]
 */

/**
 * @typedef {Object} TrainerState
 * @property {number} updates @property {number[]} losses
 * @property {number} seen @property {number} sum of the batch that is begun
 * @property {Float64Array[]} weights @property {Float64Array[]} slopes
 * @property {import("./optimizers.js").Optimizer["memory"]} memory @property {number} examples
 */

const CLIP = 1; // largest norm of one update's gradient

export class Trainer {
  /** @param {Task} task @param {TrainingOptions} options */
  constructor(task, { kind, hidden, batch = 16, seed = 0, optimizer = "adam", forgetBias = null }) {
    const rng = random(seed);
    this.task = task;
    this.kind = kind;
    this.batch = batch;
    this.layer = drawLayer(kind, task.inputs, hidden, rng, { forgetBias });
    this.head = drawLinear(hidden, task.outputs, rng);
    this.examples = random(seed + 1); // the same examples for every cell of this seed
    this.record = emptyRecord(this.layer, task.steps);
    this.grads = zeroGradients(this.layer);
    this.headGrads = {
      weight: new Float64Array(hidden * task.outputs),
      bias: new Float64Array(task.outputs),
    };
    this.weights = [...parts(this.layer), ...parts(this.head)];
    this.slopes = [...parts(this.grads), ...parts(this.headGrads)];
    this.descend = optimizer === "adam" ? adam() : gradientDescent();
    this.updates = 0;
    /** @type {number[]} mean loss of each update's batch */
    this.losses = [];
    this.seen = 0;
    this.sum = 0;
  }

  /** All that the updates to come depend on, to be stored. @returns {TrainerState} */
  get state() {
    const { updates, losses, seen, sum, weights, slopes, descend, examples } = this;
    const { memory } = descend;
    return { updates, losses, seen, sum, weights, slopes, memory, examples: examples.state };
  }

  /** @param {TrainerState} state of a trainer of the same options */
  set state({ weights, slopes, memory, examples, ...counts }) {
    Object.assign(this, counts);
    this.weights.forEach((weight, k) => weight.set(weights[k]));
    this.slopes.forEach((slope, k) => slope.set(slopes[k]));
    this.descend.memory = memory;
    this.examples.state = examples;
  }

  /** Weights of the network together. */
  get size() {
    return this.weights.reduce((sum, weight) => sum + weight.length, 0);
  }

  /** One sequence; after the last of a batch, one update. @param {number} rate @returns {boolean} updated */
  advance(rate) {
    const example = this.task.draw(this.examples);
    const { record, loss, gradOutput } = this.run(example);
    const above = backLinear(this.head, record.hidden, gradOutput, this.headGrads);
    backLayer(this.layer, record, above, this.grads);
    this.sum += loss;
    if (++this.seen < this.batch) return false;
    this.update(rate);
    return true;
  }

  /** @param {number} rate */
  update(rate) {
    for (const slope of this.slopes)
      for (let at = 0; at < slope.length; at++) slope[at] /= this.batch;
    clip(this.slopes, CLIP);
    this.descend(this.weights, this.slopes, rate);
    for (const slope of this.slopes) slope.fill(0);
    this.losses.push(this.sum / this.batch);
    this.updates++;
    this.seen = 0;
    this.sum = 0;
  }

  /** Whole updates until the time is over or `most` are done. @param {number} milliseconds @param {number} rate
   *  @param {number} [most] @returns {number} updates made */
  work(milliseconds, rate, most = Infinity) {
    const end = performance.now() + milliseconds,
      before = this.updates;
    while (this.updates - before < most && performance.now() < end) this.advance(rate);
    return this.updates - before;
  }

  /** An example run forwards, with the loss and its gradient. @param {Example} example */
  run(example) {
    const record = runLayer(this.layer, example.inputs, this.record);
    const output = linear(this.head, record.hidden);
    return { record, output, ...this.judge(output, example) };
  }

  /** @param {Float64Array} output (T, O) @param {Example} example */
  judge(output, { target }) {
    if (this.task.answers === "number") {
      const { value, gradient } = squaredError(output, target);
      return { loss: value, gradOutput: gradient };
    }
    return classLoss(output, target, this.task.outputs);
  }
}

/** Mean cross-entropy of the steps at which a class is asked for.
 * @param {Float64Array} output (T, O) @param {Float64Array} target (T) @param {number} O */
function classLoss(output, target, O) {
  const gradOutput = new Float64Array(output.length);
  const asked = target.reduce((count, right) => count + Number(!Number.isNaN(right)), 0);
  let loss = 0;
  target.forEach((right, t) => {
    if (Number.isNaN(right)) return;
    const { value, gradient } = crossEntropy(output.subarray(t * O, (t + 1) * O), right);
    loss += value / asked;
    gradient.forEach((slope, k) => (gradOutput[t * O + k] = slope / asked));
  });
  return { loss, gradOutput };
}

/** @param {Object} set of arrays and sizes @returns {Float64Array[]} */
function parts(set) {
  const arrays = Object.values(set).filter((value) => ArrayBuffer.isView(value));
  return /** @type {any} */ (arrays);
}
