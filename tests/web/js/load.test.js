// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { forward, softmax } from "../../../src/carrousel/web/static/net/forward.js";
import { decode, halfToNumber, loadModel } from "../../../src/carrousel/web/static/net/load.js";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");
const gru = (hidden, inputs) => ({
  weight_ih: Array(3 * hidden * inputs).fill(0.1),
  weight_hh: Array(3 * hidden * hidden).fill(0.1),
});

test("numbers come from lists, from float32 and from float16", () => {
  assert.deepEqual([...decode([1, 2], "w")], [1, 2]);
  assert.deepEqual(
    [...decode({ dtype: "float32", base64: base64(Float32Array.of(0.5, -3)) }, "w")],
    [0.5, -3],
  );
  assert.deepEqual(
    [...decode({ dtype: "float16", base64: base64(Uint16Array.of(0x3c00, 0xc000)) }, "w")],
    [1, -2],
  );
});

test("rows of int8 are multiples of their steps", () => {
  const stored = {
    dtype: "int8",
    base64: base64(Int8Array.of(127, -1, 0, 2, -127, 3)),
    steps: { dtype: "float32", base64: base64(Float32Array.of(0.5, -0.25)) },
  };
  assert.deepEqual([...decode(stored, "w")], [63.5, -0.5, 0, -0.5, 31.75, -0.75]);
  assert.throws(
    () => decode({ ...stored, steps: [1, 2, 3, 4] }, "w"),
    /w has 6 numbers, which do not fill 4 rows/,
  );
  assert.throws(() => decode({ ...stored, steps: undefined }, "w"), /w.steps is neither/);
});

test("halves: largest, smallest, zero and what is no number", () => {
  assert.equal(halfToNumber(0x7bff), 65504);
  assert.equal(halfToNumber(0x0001), 2 ** -24);
  assert.equal(halfToNumber(0x0000), 0);
  assert.equal(halfToNumber(0xfc00), -Infinity);
  assert.ok(Number.isNaN(halfToNumber(0x7e00)));
  assert.equal(halfToNumber(0x3555), 0.333251953125);
});

test("sizes are read off the arrays; missing biases are zeros", () => {
  const model = loadModel({ format: 1, kind: "gru", layers: [gru(4, 3), gru(2, 4)] });
  assert.deepEqual([model.inputSize, model.hiddenSize], [3, 2]);
  assert.deepEqual([...model.layers[0].bias_ih], Array(12).fill(0));
});

test("an embedding reads tokens, and a tied head writes them", () => {
  const json = {
    format: 1,
    kind: "gru",
    layers: [gru(2, 2)],
    embedding: [1, 0, 0, 1, 1, 1],
    head: { tied: true, bias: [0, 0, 5] },
    vocab: ["a", "b", "c"],
  };
  const { output, T } = forward(loadModel(json), [0, 2]);
  assert.equal(T, 2);
  assert.equal(output.length, 6);
  assert.ok(softmax(output.subarray(3))[2] > 0.9);
  assert.throws(() => forward(loadModel(json), [3]), /token 3 at step 0 is not among the 3 known/);
});

/** @type {[string, any, RegExp][]} */
const REFUSED = [
  ["another format", { format: 2 }, /format is 2/],
  ["nothing", null, /format is undefined/],
  ["another cell", { format: 1, kind: "ann" }, /kind is ann/],
  ["no layers", { format: 1, kind: "rnn", layers: [] }, /layers is missing/],
  [
    "weights that fill no square",
    { format: 1, kind: "rnn", layers: [{ weight_hh: [1, 2], weight_ih: [1] }] },
    /not 1 squares/,
  ],
  [
    "a bias of the wrong size",
    { format: 1, kind: "rnn", layers: [{ weight_hh: [1], weight_ih: [1], bias_ih: [1, 2] }] },
    /needs 1/,
  ],
  [
    "a head of the wrong width",
    {
      format: 1,
      kind: "rnn",
      layers: [{ weight_hh: [1], weight_ih: [1] }],
      head: { weight: [1, 2, 3], bias: [1] },
    },
    /head.weight has 3/,
  ],
  [
    "text for numbers",
    { format: 1, kind: "rnn", layers: [{ weight_hh: "x" }] },
    /weight_hh is neither/,
  ],
];
for (const [what, json, message] of REFUSED) {
  test(`${what} is refused with a reason`, () => assert.throws(() => loadModel(json), message));
}

test("an empty sequence and half a row are refused", () => {
  const model = loadModel({ format: 1, kind: "gru", layers: [gru(2, 2)] });
  assert.throws(() => forward(model, []), /empty/);
  assert.throws(() => forward(model, [1, 2, 3]), /rows of 2/);
  assert.equal(
    forward(model, [
      [1, 2],
      [3, 4],
    ]).T,
    2,
  );
});
