// @ts-check
// The small networks that ship with the page do what the page says they do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { forward } from "../../../src/carrousel/web/static/net/forward.js";
import { random } from "../../../src/carrousel/web/static/net/random.js";
import { smallModel } from "../../../src/carrousel/web/static/net/small.js";
import { letters, VOCABULARY } from "../../../src/carrousel/web/static/net/tasks.js";

const SIZE = VOCABULARY.length;
const [A, B, , REST, QUESTION] = VOCABULARY.keys();
const largest = (numbers) => numbers.indexOf(Math.max(...numbers));

/** The share of steps at which the network says what it should. */
function right(model, sequences) {
  let good = 0,
    all = 0;
  for (let seed = 0; seed < sequences; seed++) {
    const { inputs, target } = letters(16).draw(random(1000 + seed));
    const tokens = target.map((_, t) => largest(inputs.slice(t * SIZE, (t + 1) * SIZE)));
    const { output } = forward(model, tokens);
    target.forEach((wanted, t) => {
      good += Number(largest(output.slice(t * SIZE, (t + 1) * SIZE)) === wanted);
      all++;
    });
  }
  return good / all;
}

/** @type {["lstm" | "gru" | "rnn", number][]} */
const SHARES = [
  ["lstm", 0.99],
  ["gru", 0.99],
  ["rnn", 0.99],
];
for (const [kind, share] of SHARES) {
  test(`${kind} says the last letter when asked, and is silent otherwise`, () => {
    assert.ok(right(smallModel(kind), 100) > share);
  });
}

test("unit 3 of the LSTM is a notebook: erases and writes at a letter, speaks when asked", () => {
  const { gates, H } = forward(smallModel("lstm"), [REST, A, REST, REST, QUESTION, REST, B, REST]);
  const of = (name, t) => gates[name][t * H + 2];
  for (const letter of [1, 6]) assert.ok(of("forget", letter) < 0.1 && of("input", letter) > 0.9);
  for (const rest of [2, 3, 7]) {
    assert.ok(of("forget", rest) > 0.9 && of("input", rest) < 0.2 && of("output", rest) < 0.2);
  }
  assert.ok(of("output", 4) > 0.9);
});
