// @ts-check
// Changed networks against tests/vectors/changes.json, which carrousel.intervene wrote.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { forwardChanged, memoryOf } from "../../../src/carrousel/web/static/net/changes.js";
import { finished } from "../../../src/carrousel/web/static/slices.js";
import { forward } from "../../../src/carrousel/web/static/net/forward.js";
import { loadModel } from "../../../src/carrousel/web/static/net/load.js";

const cases = JSON.parse(
  readFileSync(new URL("../../vectors/changes.json", import.meta.url), "utf8"),
);

/** @param {ArrayLike<number>} found @param {number[]} stored @param {string} name */
function close(found, stored, name) {
  assert.equal(found.length, stored.length, name);
  stored.forEach((value, k) => {
    const off = Math.abs(found[k] - value);
    assert.ok(off < 1e-8, `${name}[${k}] is ${found[k]}, stored is ${value}`);
  });
}

for (const one of cases) {
  test(one.name, () => {
    const record = finished(forwardChanged(loadModel(one.model), one.inputs, one.changes));
    close(/** @type {Float64Array} */ (record.output), one.output, "output");
    one.layers.forEach(
      (/** @type {Record<string, number[]>} */ layer, /** @type {number} */ at) => {
        const run = record.layers[at];
        const states = { ...run.gates, cell: run.cell, hidden: run.hidden };
        for (const [name, stored] of Object.entries(layer))
          close(/** @type {Float64Array} */ (states[name]), stored, name);
      },
    );
  });
}

test("with another's memory everything that follows is the other's", () => {
  const { model: json, inputs } = cases[0];
  const model = loadModel(json);
  const width = model.inputSize;
  const other = inputs.map((/** @type {number} */ x, /** @type {number} */ k) =>
    k < 3 * width ? -x : x,
  );
  const there = forward(model, other);
  const patched = finished(forwardChanged(model, inputs, memoryOf(there, 2, 2)));
  const from = 3 * model.hiddenSize;
  close(patched.hidden.slice(from), Array.from(there.hidden.slice(from)), "hidden");
});

test("without changes it is the model as it is", () => {
  const { model: json, inputs } = cases[0];
  const model = loadModel(json);
  const changed = finished(forwardChanged(model, inputs, []));
  const plain = forward(model, inputs);
  assert.deepEqual(changed.layers, plain.layers);
  assert.deepEqual(changed.output, plain.output);
  assert.deepEqual(changed.said(2), plain.said(2));
});
