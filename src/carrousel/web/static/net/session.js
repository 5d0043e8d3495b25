// @ts-check
// Several cells learning the same task from the same examples, update by update, in slices of time.

import { random } from "./random.js";
import { Trainer } from "./trainer.js";

/** @typedef {import("./tasks.js").Task} Task @typedef {import("./tasks.js").Example} Example */

/** @typedef {{turn: number, example: Example, shown: number,
 *   trainers: import("./trainer.js").TrainerState[]}} SessionState */

const WINDOW = 25; // updates over which a loss is averaged

export class Session {
  /** @param {Task} task @param {{kinds: string[], hidden: number, seed: number,
   *   optimizer: "adam" | "sgd", forgetBias: number}} options */
  constructor(task, { kinds, hidden, seed, optimizer, forgetBias }) {
    this.task = task;
    this.trainers = kinds.map(
      (kind) => new Trainer(task, { kind, hidden, seed, optimizer, forgetBias }),
    );
    this.turn = 0; // whose update it is
    this.shown = random(seed + 77);
    this.example = task.draw(this.shown);
  }

  /** All that goes on from here, to be stored: what is trained on is the same as without a pause.
   * @returns {SessionState} */
  get state() {
    const { turn, example, shown, trainers } = this;
    return { turn, example, shown: shown.state, trainers: trainers.map(({ state }) => state) };
  }

  /** @param {SessionState} state of a session of the same task and options */
  set state({ turn, example, shown, trainers }) {
    this.turn = turn;
    this.example = example;
    this.shown.state = shown;
    this.trainers.forEach((trainer, k) => (trainer.state = trainers[k]));
  }

  /** Updates that every network has made. */
  get updates() {
    return Math.min(...this.trainers.map(({ updates }) => updates));
  }

  /** Another example to look at; training does not see it. */
  another() {
    this.example = this.task.draw(this.shown);
  }

  /**
   * Train until the time is over or every network has made `most` updates more. Networks take
   * turns, so that they stay side by side.
   * @param {number} milliseconds @param {number} rate @param {number} [most]
   * @returns {number} rounds finished
   */
  work(milliseconds, rate, most = Infinity) {
    const end = performance.now() + milliseconds;
    let rounds = 0;
    while (rounds < most && performance.now() < end) if (this.step(rate)) rounds++;
    return rounds;
  }

  /** The same in slices: until every network has made `count` updates more.
   * @param {number} rate @param {number} count @returns {Generator<void, number>} rounds finished */
  *lessons(rate, count) {
    let rounds = 0;
    while (rounds < count) {
      if (this.step(rate)) rounds++;
      yield;
    }
    return rounds;
  }

  /** One sequence for the network whose turn it is. @param {number} rate
   * @returns {boolean} whether a round is finished by it */
  step(rate) {
    if (!this.trainers[this.turn].advance(rate)) return false;
    this.turn = (this.turn + 1) % this.trainers.length;
    return this.turn === 0;
  }

  /** The mean loss of a network's last updates, of all or of the first `until`; NaN before the first.
   * @param {Trainer} trainer @param {number} [until] */
  lossOf({ losses }, until = losses.length) {
    const last = losses.slice(Math.max(0, until - WINDOW), until);
    return last.reduce((sum, loss) => sum + loss, 0) / last.length;
  }

  /** Whether a task that was solved is not any more: losses waver, so twice the limit is meant.
   * @param {Trainer} trainer */
  lost(trainer) {
    return this.solvedAt(trainer) !== null && this.lossOf(trainer) > 2 * this.task.solved;
  }

  /** The first update after which the mean of the last ones was below the task's limit, or null.
   * @param {Trainer} trainer */
  solvedAt({ losses }) {
    const limit = this.task.solved;
    if (!limit) return null;
    let sum = 0;
    for (let update = 0; update < losses.length; update++) {
      sum += losses[update] - (update >= WINDOW ? losses[update - WINDOW] : 0);
      if (update >= WINDOW - 1 && sum < limit * WINDOW) return update + 1;
    }
    return null;
  }
}
