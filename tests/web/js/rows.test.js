// @ts-check
// What of a long history is shown, and to what scales; what an address says and reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  keepInAddress,
  read,
  valueOf,
  written,
} from "../../../src/carrousel/web/static/address.js";
import { scalesOf, shownRows } from "../../../src/carrousel/web/static/components/kept-table.js";
import { finished } from "../../../src/carrousel/web/static/slices.js";
import { LONGEST, readSentence, typed } from "../../../src/carrousel/web/static/tokenizer.js";
import { smallModel } from "../../../src/carrousel/web/static/net/small.js";
import { write } from "../../../src/carrousel/web/static/net/stepping.js";
import { forward, softmax } from "../../../src/carrousel/web/static/net/forward.js";
import { Reader } from "../../../src/carrousel/web/static/net/stepping.js";
import { random } from "../../../src/carrousel/web/static/net/random.js";

test("of a long history the latest steps are shown and those that count most", () => {
  const occlusion = Float64Array.from({ length: 48 }, (_, k) =>
    k === 3 ? -50 : k === 20 ? 9 : 0.1,
  );
  const rows = shownRows({ occlusion }, 47, 11);
  assert.ok(rows.length <= 17);
  for (const k of [3, 11, 20, 42, 47]) assert.ok(rows.includes(k), String(k));
  assert.deepEqual(
    rows,
    [...rows].sort((a, b) => a - b),
  );
  assert.equal(shownRows({ occlusion }, 20, 0).length, 21);
});

test("account and measurement share one scale where they have one unit", () => {
  const answer = { ledger: [1, 2, 11.23], occlusion: [NaN, 100, 135.91] };
  const shared = scalesOf({ answer, baseline: null, oneUnit: true });
  assert.equal(shared.ledger, shared.occlusion);
  const apart = scalesOf({ answer, baseline: null, oneUnit: false });
  assert.ok(apart.ledger < apart.occlusion);
});

test("an address says view and values, and gives them back", () => {
  const values = { text: "j'ai mangé « des » & + ? # frites", step: "3", none: null };
  const { view, values: found } = read(written("kept", values));
  assert.equal(view, "kept");
  assert.deepEqual(Object.fromEntries(found), { text: values.text, step: "3" });
  assert.equal(read("").view, "");
});

test("what an address says is taken only where it can be", () => {
  assert.equal(valueOf("7", 1, { min: 0, max: 10 }), 7);
  for (const wrong of ["", "x", "11", "NaN"])
    assert.equal(valueOf(wrong, 1, { min: 0, max: 10 }), undefined);
  assert.deepEqual(valueOf("lstm,ann", ["rnn"], { among: ["rnn", "lstm"] }), ["lstm"]);
  assert.equal(valueOf("ann", "rnn", { among: ["rnn"] }), undefined);
  assert.deepEqual(keepInAddress("a", { b: 1 }), { b: 1 });
});

const model = smallModel("lstm");

test("a sentence longer than is read says by how much", () => {
  const sentence = readSentence(model, "a".repeat(LONGEST + 7));
  assert.equal(sentence.tokens.length, LONGEST + 1);
  assert.equal(sentence.beyond, 7);
});

test("signs of typography become those that the vocabulary has", () => {
  const plain = { vocab: ["x"], meta: { tokenizer: { characters: "'\"-. j" } } };
  assert.equal(typed(plain, "j’ai “bu”\u00a0… – «fin»"), 'j\'ai "bu" ... - "fin"');
  const rich = { vocab: ["x"], meta: { tokenizer: { characters: "’«»" } } };
  assert.equal(typed(rich, "j’ai «fin»"), "j’ai «fin»");
});

test("a reader that carries its states says what a whole run says", () => {
  const tokens = [3, 0, 3, 4, 1, 4];
  const reader = new Reader(model);
  const record = forward(model, tokens);
  tokens.forEach((token, t) => {
    const found = softmax(reader.read(token));
    softmax(record.said(t)).forEach((chance, k) => assert.ok(Math.abs(chance - found[k]) < 1e-12));
  });
});

test("what a model writes has the length that was asked for, and depends on the seed alone", () => {
  const [one, two] = [1, 1].map((seed) =>
    finished(write(model, { length: 9, draw: random(seed), temperature: 0.6 })),
  );
  assert.deepEqual(one, two);
  assert.equal(one.length, 9);
});
