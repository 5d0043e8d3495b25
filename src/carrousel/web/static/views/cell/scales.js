// @ts-check
/**
 * What full color and full height stand for, value by value. A gate reaches from 0 to 1. Any other
 * value is measured by the largest of its own kind over the whole sequence, so that a strip that is
 * bounded by 1 is not held against a memory that grows to 8. What is added up or handed on is of
 * one kind: the memory before, what is kept of it, and the new one.
 */

import { CELLS } from "../../net/cells.js";
import { isGate, valuesOf } from "./values.js";

const LEAST = 1e-9; // of a value that is zero throughout

/** The kind of a value: the memory's has one name, wherever it is met.
 * @param {string} id @param {string} cell kind of cell */
export function familyOf(id, cell) {
  const memory = CELLS[cell].hasCell ? "cell" : "hidden";
  if (id === "c" || id === "kept") return memory;
  return id === "h" ? "hidden" : id;
}

const found = new WeakMap();

/**
 * @param {any} layer @param {any} run a layer's record
 * @returns {(id: string) => number} the size that is shown in full
 */
export function scalesOf(layer, run) {
  if (!found.has(run)) found.set(run, measured(layer, run));
  const largest = found.get(run);
  return (id) => (isGate(id) ? 1 : Math.max(largest.get(familyOf(id, run.kind)) ?? 0, LEAST));
}

/** @param {any} layer @param {any} run @returns {Map<string, number>} */
function measured(layer, run) {
  const largest = new Map();
  for (let t = 0; t < run.T; t++) {
    for (const { id, value } of valuesOf(layer, run, t).values()) {
      const family = familyOf(id, run.kind);
      let most = largest.get(family) ?? 0;
      for (const one of value) most = Math.max(most, Math.abs(one));
      largest.set(family, most);
    }
  }
  return largest;
}
