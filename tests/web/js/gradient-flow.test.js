// @ts-check
// What the gradient view says of an error's way back, against arithmetic.

import assert from "node:assert/strict";
import { test } from "node:test";
import { errorFlow, fateOf } from "../../../src/carrousel/web/static/net/error-flow.js";

const FATES = {
  1e-12: "vanishes",
  0.045: "fades",
  0.98: "arrives",
  1.9: "arrives",
  4: "grows",
  43.86: "explodes",
};
for (const [left, name] of Object.entries(FATES)) {
  test(`${left} of an error ${name}, at a pace that leads there`, () => {
    const { name: found, pace } = fateOf(Number(left), 50);
    assert.equal(found, name);
    const sign = Number(left) < 1 ? -1 : 1;
    assert.ok(Math.abs(2 ** ((sign * 50) / pace) / Number(left) - 1) < 1e-9);
  });
}

for (const scale of [0.3, 1, 5]) {
  test(`no gradient of the RNN lies above its limit, weights × ${scale}`, () => {
    for (const seed of [1, 2, 3]) {
      const { norms, limit } = errorFlow({ kind: "rnn", steps: 40, scale, forgetBias: 0, seed });
      norms.forEach((norm, t) => assert.ok(norm <= limit[t] * (1 + 1e-6), `step ${t}`));
    }
  });
}

test("as torch draws an RNN, the limit says that its gradient vanishes", () => {
  const { limit } = errorFlow({ kind: "rnn", steps: 50, scale: 1, forgetBias: 0, seed: 1 });
  assert.ok(limit[0] < 0.1 && limit[0] > 0);
});

test("the LSTM's error survives as long as its forget gate is near 1, and not before", () => {
  const left = (forgetBias) =>
    errorFlow({ kind: "lstm", steps: 50, scale: 1, forgetBias, seed: 1 }).norms[0];
  assert.equal(fateOf(left(0), 50).name, "vanishes");
  assert.ok(left(2) > 1e3 * left(0));
  assert.ok(left(5) > 0.5 && left(5) < 2);
});
