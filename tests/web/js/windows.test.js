// @ts-check
// What the page sees of a window against tests/vectors/windows.json, which the reference in torch
// wrote (tests/vectors/windows.py) and to which the kernel is held, too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { simpleForecasts } from "../../../src/carrousel/web/static/anchors.js";
import { features } from "../../../src/carrousel/web/static/forecaster.js";
import { scaleSteps } from "../../../src/carrousel/web/static/scaling.js";

const file = new URL("../../vectors/windows.json", import.meta.url);
const { constants, cases } = JSON.parse(readFileSync(file, "utf8"));
const NEAR = 1e-8; // of the largest of a kind: they are stored with ten digits

/** Fails where numbers differ, or are not as many. */
function close(found, stored, name) {
  const [ours, theirs] = [found, stored].map((list) => Array.from(list).flat(Infinity));
  assert.equal(ours.length, theirs.length, name);
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  theirs.forEach((value, k) => {
    const off = Math.abs(ours[k] - value);
    assert.ok(off <= NEAR * largest, `${name}[${k}] is ${ours[k]}, stored is ${value}`);
  });
}

for (const one of cases) {
  test(one.name, () => {
    const { shape, prior } = one;
    const meta = { shape, prior, constants };
    const scaled = scaleSteps(
      Float64Array.from(one.history, (value) => value ?? NaN),
      meta,
    );
    for (const name of ["values", "mask", "level", "scale", "size", "age"])
      close(scaled[name], one[name], name);
    close([scaled.origin], one.origin, "origin");
    close(features(scaled, meta), one.features, "features");
    const asked = [...new Set([0, Math.floor(shape.steps / 2), shape.steps - 1])];
    close(
      asked.sort((a, b) => a - b).map((t) => simpleForecasts(scaled, meta, t)),
      one.anchors,
      "anchors",
    );
  });
}
