// @ts-check
// Reads {model, inputs, gradOutput} as JSON and answers with all that the page would compute.

import { readFileSync } from "node:fs";
import {
  backLayer,
  backward,
  zeroGradients,
} from "../../../src/carrousel/web/static/net/backward.js";
import { forward } from "../../../src/carrousel/web/static/net/forward.js";
import { jacobianNorms } from "../../../src/carrousel/web/static/net/jacobian.js";
import { loadModel } from "../../../src/carrousel/web/static/net/load.js";
import { operations } from "../../../src/carrousel/web/static/net/operations.js";

const { model: json, inputs, gradOutput } = JSON.parse(readFileSync(0, "utf8"));
const model = loadModel(json);
const record = forward(model, inputs);
const states = backward(model, record, Float64Array.from(gradOutput));
const last = model.layers.length - 1;
const grads = zeroGradients(model.layers[0]);
const above = last ? states[1].gradInput : states[0].gradHidden;
if (last) backLayer(model.layers[0], record.layers[0], above, grads);
process.stdout.write(
  JSON.stringify(
    {
      output: record.output,
      layers: record.layers.map(({ hidden, cell, gates }) => ({ hidden, cell, gates })),
      states,
      grads,
      jacobian: jacobianNorms(model.layers[0], record.layers[0]),
      operations: operations(model.layers[0], record.layers[0], record.T - 1),
    },
    (_, value) => (ArrayBuffer.isView(value) ? Array.from(/** @type {any} */ (value)) : value),
  ),
);
