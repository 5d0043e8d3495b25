// @ts-check
// The named values of the step that is shown, and their colors.

import { color, rgb } from "../../components/dom.js";
import { operations } from "../../net/operations.js";

/** @typedef {import("../../net/operations.js").Operation} Operation */

/** The gates: they multiply, and lie between 0 and 1; all other values are signed. */
const GATES = new Set(["forget", "input", "output", "reset", "update", "open"]);

/** @param {string} id @returns {boolean} */
export const isGate = (id) => GATES.has(id);

/**
 * The operations of a step by their id, with `open` (1 − z) for the GRU's diagram.
 * @param {any} layer @param {any} run @param {number} t
 * @returns {Map<string, Operation>}
 */
export function valuesOf(layer, run, t) {
  const found = new Map(operations(layer, run, t).map((one) => [one.id, one]));
  const update = found.get("update");
  if (update) {
    const value = update.value.map((z) => 1 - z);
    found.set("open", {
      id: "open",
      name: "open",
      formula: "1 - z",
      role: "update",
      value,
      rule: "open",
    });
  }
  return found;
}

/** The number that stands for a value where one unit is shown. [h, x] has none of its own.
 * @param {Operation} operation @param {number} unit */
export const numberOf = (operation, unit) =>
  operation.value[Math.min(unit, operation.value.length - 1)];

/** Colors from numbers; made anew when the theme changes. */
export function painter() {
  const zero = rgb(color("--zero")),
    negative = rgb(color("--negative")),
    positive = rgb(color("--positive"));
  /** @type {Record<string, number[]>} */
  const roles = {};
  const role = (name) => (roles[name] ??= rgb(color(`--${name}`)));
  return (operation, value, scale) => {
    if (isGate(operation.id)) return mix(zero, role(operation.role), value);
    return mix(zero, value < 0 ? negative : positive, Math.abs(value) / scale);
  };
}

/** @param {number[]} from @param {number[]} to @param {number} share */
function mix(from, to, share) {
  const part = Math.min(1, Math.max(0, share));
  return `rgb(${from.map((value, k) => Math.round(value + (to[k] - value) * part)).join(" ")})`;
}
