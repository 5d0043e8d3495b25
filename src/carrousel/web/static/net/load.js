// @ts-check
// The JSON of a model, decoded and checked.
//
// {
//   "format": 1,
//   "name": "...",                  for people
//   "kind": "lstm" | "gru" | "rnn",
//   "nonlinearity": "tanh",         RNN only, "tanh" (default) or "relu"
//   "embedding": ARRAY (V, E),      optional: the model reads tokens; E = inputs of the first layer
//   "embed": {weight: ARRAY (H, I), bias: ARRAY (H)},  optional: a linear map before the layers
//   "residual": false,              optional: x = x + layer(x), as the forecaster's network does
//   "layers": [{weight_ih: ARRAY (G*H, I), weight_hh: ARRAY (G*H, H),
//               bias_ih: ARRAY (G*H), bias_hh: ARRAY (G*H)}, ...]      biases may be left out
//   "head": {weight: ARRAY (O, H), bias: ARRAY (O)},   optional; {"tied": true, bias: ...} takes
//                                   the embedding as its weight
//   "vocab": ["a", "b", ...],       optional, V tokens
//   "meta": {...}                   anything else; handed through
// }
// ARRAY is a flat list of numbers, row-major, or {"dtype": "float16" | "float32", "base64": "..."}
// with little-endian bytes, or {"dtype": "int8", "base64": "...", "steps": ARRAY (R)}: R rows, each
// of whole multiples of its step. Gates are stacked in torch's order: LSTM i, f, g, o; GRU r, z, n.
// Sizes are read off the arrays, so that every layer may have its own.

import { CELLS } from "./cells.js";

/** @typedef {import("./matrix.js").Numbers} Numbers */

/**
 * @typedef {Object} Layer
 * @property {string} kind @property {string} nonlinearity
 * @property {number} inputs I @property {number} hidden H
 * @property {Numbers} weight_ih (G*H, I) @property {Numbers} weight_hh (G*H, H)
 * @property {Numbers} bias_ih (G*H) @property {Numbers} bias_hh (G*H)
 */

/**
 * @typedef {Object} Linear
 * @property {Numbers} weight (outputs, inputs) @property {Numbers | null} bias (outputs)
 * @property {number} inputs @property {number} outputs
 */

/**
 * @typedef {Object} Model
 * @property {string} name @property {string} kind
 * @property {number} inputSize of the first layer @property {number} hiddenSize of the last layer
 * @property {Layer[]} layers @property {boolean} residual
 * @property {Linear | null} embedding outputs V, inputs E: row k is token k's vector
 * @property {Linear | null} embed @property {Linear | null} head
 * @property {string[] | null} vocab @property {Record<string, any>} meta
 */

/**
 * @param {any} json the parsed JSON
 * @returns {Model}
 * @throws {TypeError} the JSON is not a model of this format
 */
export function loadModel(json) {
  check(json?.format === 1, `format is ${json?.format}, but this page reads format 1`);
  check(
    json.kind in CELLS,
    `kind is ${json.kind}, but must be one of ${Object.keys(CELLS).join(", ")}`,
  );
  check(json.layers?.length > 0, "layers is missing or empty");
  const layers = json.layers.map((/** @type {any} */ layer, /** @type {number} */ at) =>
    readLayer(json, layer, at),
  );
  const embedding = json.embedding
    ? readTable(decode(json.embedding, "embedding"), layers[0].inputs)
    : null;
  const head = json.head?.tied ? { ...embedding, bias: json.head.bias } : json.head;
  return {
    name: json.name ?? "",
    kind: json.kind,
    inputSize: layers[0].inputs,
    hiddenSize: layers[layers.length - 1].hidden,
    layers,
    residual: Boolean(json.residual),
    embedding,
    embed: json.embed ? readLinear(json.embed, "embed") : null,
    head: head ? readLinear(head, "head", layers[layers.length - 1].hidden) : null,
    vocab: json.vocab ?? null,
    meta: json.meta ?? {},
  };
}

/**
 * Numbers of a flat list, or of base64 with their type.
 * @param {any} data @param {string} name for errors
 * @returns {Numbers}
 */
export function decode(data, name) {
  if (ArrayBuffer.isView(data)) return /** @type {any} */ (data);
  if (Array.isArray(data)) return Float64Array.from(data);
  check(typeof data?.base64 === "string", `${name} is neither a list of numbers nor base64`);
  const bytes = bytesOf(data.base64);
  if (data.dtype === "int8") {
    return multiplied(new Int8Array(bytes.buffer), decode(data.steps, `${name}.steps`), name);
  }
  if (data.dtype === "float64") return new Float64Array(bytes.buffer);
  if (data.dtype === "float32") return new Float32Array(bytes.buffer);
  check(
    data.dtype === "float16",
    `${name} has dtype ${data.dtype}, but int8, float16, float32 and float64 are read`,
  );
  return Float32Array.from(new Uint16Array(bytes.buffer), halfToNumber);
}

/** @param {string} base64 */
function bytesOf(base64) {
  const text = atob(base64),
    bytes = new Uint8Array(text.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

/**
 * Rows of whole multiples of a step; exact, since steps have few digits.
 * @param {Int8Array} multiples @param {Numbers} steps @param {string} name
 */
function multiplied(multiples, steps, name) {
  const width = multiples.length / steps.length;
  check(
    Number.isInteger(width) && width > 0,
    `${name} has ${multiples.length} numbers, which do not fill ${steps.length} rows`,
  );
  const out = new Float32Array(multiples.length);
  for (let row = 0, k = 0; row < steps.length; row++)
    for (const end = k + width; k < end; k++) out[k] = multiples[k] * steps[row];
  return out;
}

/** The value of an IEEE 754 half. @param {number} bits */
export function halfToNumber(bits) {
  const sign = bits >> 15 ? -1 : 1,
    exponent = (bits >> 10) & 31,
    fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** @param {any} json @param {any} raw @param {number} at @returns {Layer} */
function readLayer(json, raw, at) {
  const name = `layers[${at}]`;
  const blocks = CELLS[json.kind].blocks;
  const weight_hh = decode(raw.weight_hh, `${name}.weight_hh`);
  const hidden = Math.sqrt(weight_hh.length / blocks),
    rows = blocks * hidden;
  check(
    Number.isInteger(hidden) && hidden > 0,
    `${name}.weight_hh has ${weight_hh.length} numbers, which are not ${blocks} squares`,
  );
  const weight_ih = decode(raw.weight_ih, `${name}.weight_ih`);
  const inputs = weight_ih.length / rows;
  check(
    Number.isInteger(inputs) && inputs > 0,
    `${name}.weight_ih has ${weight_ih.length} numbers, which do not fill ${rows} rows`,
  );
  const bias = (/** @type {string} */ key) => {
    const numbers = raw[key] ? decode(raw[key], `${name}.${key}`) : new Float64Array(rows);
    check(
      numbers.length === rows,
      `${name}.${key} has ${numbers.length} numbers, but needs ${rows}`,
    );
    return numbers;
  };
  return {
    kind: json.kind,
    nonlinearity: json.nonlinearity ?? "tanh",
    inputs,
    hidden,
    weight_ih,
    weight_hh,
    bias_ih: bias("bias_ih"),
    bias_hh: bias("bias_hh"),
  };
}

/** @param {any} raw @param {string} name @param {number} [width] @returns {Linear} */
function readLinear(raw, name, width) {
  const weight = decode(raw.weight, `${name}.weight`);
  const bias = raw.bias ? decode(raw.bias, `${name}.bias`) : null;
  const outputs = bias ? bias.length : weight.length / (width ?? NaN);
  const inputs = weight.length / outputs;
  check(
    Number.isInteger(inputs) && inputs > 0 && (!width || inputs === width),
    `${name}.weight has ${weight.length} numbers, which do not fill ${outputs} rows of ${width ?? "one length"}`,
  );
  return { weight, bias, inputs, outputs };
}

/** @param {Numbers} weight @param {number} inputs @returns {Linear} */
function readTable(weight, inputs) {
  check(
    weight.length % inputs === 0,
    `embedding has ${weight.length} numbers, which do not fill rows of ${inputs}`,
  );
  return { weight, bias: null, inputs, outputs: weight.length / inputs };
}

/** @param {boolean} condition @param {string} message */
function check(condition, message) {
  if (!condition) throw new TypeError(`model: ${message}`);
}
