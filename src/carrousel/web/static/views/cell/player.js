// @ts-check
/** Operation after operation, and from step to step. */

import { keepInAddress } from "../../address.js";
import { calm } from "./flow.js";

export const PACES = { slow: 2000, medium: 800, fast: 300 }; // milliseconds an operation
const MOVING = 0.72; // of that time numbers travel; then the result stands still
const settings = keepInAddress(
  "player",
  { pace: "medium" },
  { pace: { among: Object.keys(PACES) } },
);

export class Player {
  /**
   * @param {any} store
   * @param {{where: () => {operation: number, last: number, step: number, steps: number},
   *   flow: (operation: number, duration: number, done: () => void) => void, stop: () => void}} view
   */
  constructor(store, view) {
    this.store = store;
    this.view = view;
    this.advancing = false; // whether the clock is moved from here
  }

  get pace() {
    return settings.pace;
  }
  set pace(name) {
    settings.pace = name;
    this.play();
  }

  /** One operation on or back, by hand. @param {number} by */
  move(by) {
    this.store.set({ playing: false });
    this.advance(by);
  }

  /** Past the ends of a step into the next or the one before.
   * @param {number} by @returns {boolean} whether there was anywhere to go */
  advance(by) {
    const { operation, last, step, steps } = this.view.where();
    const next = operation + by,
      inside = next >= 0 && next <= last;
    if (!inside && (step + by < 0 || step + by >= steps)) return false;
    this.advancing = true;
    this.store.set(
      inside ? { operation: next } : { step: step + by, operation: by > 0 ? 0 : last },
    );
    this.advancing = false;
    return true;
  }

  /** Lets the current operation happen, then the next. */
  play() {
    this.stop();
    if (!this.store.state.playing) return;
    const time = PACES[settings.pace];
    if (calm()) this.timer = setTimeout(() => this.next(), time);
    else {
      this.view.flow(this.view.where().operation, time * MOVING, () => {
        this.timer = setTimeout(() => this.next(), time * (1 - MOVING));
      });
    }
  }

  next() {
    if (this.store.state.playing && !this.advance(1)) this.store.set({ playing: false });
  }

  stop() {
    clearTimeout(this.timer);
    this.view.stop();
  }
}
