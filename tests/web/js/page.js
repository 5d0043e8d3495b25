// @ts-check
// Asks the page's own modules what Python asks: {page, questions: [...]} on standard input.
import { readFileSync } from "node:fs";
import { askSentence, askSeries, nextWords } from "../../../src/carrousel/web/static/asking.js";
import { readForecast, readSeries } from "../../../src/carrousel/web/static/forecaster.js";
import { halfLife } from "../../../src/carrousel/web/static/memory.js";
import { forward } from "../../../src/carrousel/web/static/net/forward.js";
import { finished } from "../../../src/carrousel/web/static/slices.js";
import { loadModel } from "../../../src/carrousel/web/static/net/load.js";
import {
  encode,
  normalized,
  readSentence,
  splitEnd,
} from "../../../src/carrousel/web/static/tokenizer.js";

const { page, questions } = JSON.parse(readFileSync(0, "utf8"));
const model = loadModel(page);
const list = (numbers) => (numbers ? Array.from(numbers) : null);

const answers = questions.map((question) =>
  ({ tokens, ends, guesses, sentence, forecast })[question.what](question),
);
process.stdout.write(JSON.stringify(answers));

function tokens({ text }) {
  return [model.meta.tokenizer.begin, ...encode(model, text)];
}

function ends({ text }) {
  const { x, left } = readSentence(model, text, Infinity);
  return [...splitEnd(model, normalized(text)), x, left];
}

function guesses({ text, count }) {
  const { x, left } = readSentence(model, text, Infinity);
  const record = forward(model, x);
  const words = nextWords(model, record, record.T - 1, left).slice(0, count);
  return words.map(({ id, probability }) => ({ id, probability }));
}

function sentence({ text, at, target }) {
  const { x, left } = readSentence(model, text);
  const record = forward(model, x);
  const answer = finished(askSentence(model, record, x, at, target));
  const [best] = nextWords(model, record, at, left);
  const layer = record.layers[record.layers.length - 1];
  return {
    survival: list(answer.survival),
    ledger: list(answer.ledger),
    occlusion: list(answer.occlusion),
    error: answer.error,
    best,
    half: list(halfLife(layer)),
    cell: list(layer.cell),
  };
}

function forecast({ series, values, ahead }) {
  const input = readSeries(
    model,
    series,
    values && Float64Array.from(values, (value) => value ?? NaN),
  );
  const record = forward(model, input.x);
  const { quantiles } = readForecast(model, input, record, record.T - 1);
  const answer = finished(askSeries(model, input, record, record.T - 1, ahead));
  return {
    quantiles,
    ledger: list(answer.ledger),
    survival: list(answer.survival),
    occlusion: list(answer.occlusion),
  };
}
