// @ts-check
/**
 * Networks that were trained in the page, as models that every view opens: copies of what they are
 * at that moment, with the example or the series that they learned from.
 */

import { readSeries } from "./forecaster.js";
import { sine, SYMBOLS } from "./net/tasks.js";
import { random } from "./net/random.js";
import { storedSeries } from "./own-series.js";
import { measured, reachOf } from "./plain-series.js";
import { sliced } from "./slices.js";

/** @typedef {import("./net/session.js").Session} Session @typedef {import("./net/trainer.js").Trainer} Trainer */

const LETTERS = "ABCDwxyz"; // what the recall task reads: four to keep, four that mean nothing
const QUANTILES = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995];
const AHEAD = 24; // values that are forecast at most
const WINDOWS = 40; // forecasts that are measured
const TITLES = {
  recall: { en: "trained here: letters", fr: "entraîné ici : lettres" },
  adding: { en: "trained here: adding", fr: "entraîné ici : addition" },
  sine: { en: "trained here: sines", fr: "entraîné ici : sinusoïdes" },
  series: { en: "trained here: your series", fr: "entraîné ici : votre série" },
};
const META = { recall: lettersMeta, adding: addingMeta, sine: sineMeta, series: seriesMeta };

/** The name of the model of a kind of cell. @param {string} kind */
export const trainedName = (kind) => `trained-${kind}`;

/** One model for each network of a session. @param {Session} session @param {string[] | null} times
 * of the series, where it has dates */
export async function trainedModels(session, times = null) {
  const { trainers, task } = session;
  const cells = Object.fromEntries(trainers.map(({ kind }) => [kind, trainedName(kind)]));
  const models = trainers.map((trainer) => {
    const model = copied(trainer);
    Object.assign(model.meta, {
      trained: true,
      family: "trained",
      cells,
      title: TITLES[task.name],
      ...META[task.name](session, times),
    });
    return model;
  });
  for (const model of models)
    if (model.meta.plain) await sliced(weighed(model, session), () => false);
  return models;
}

/** The network with weights of its own: training goes on with the others. @param {Trainer} trainer */
function copied({ layer, head, kind, task }) {
  return {
    name: trainedName(kind),
    kind,
    inputSize: layer.inputs,
    hiddenSize: layer.hidden,
    layers: [structuredClone(layer)],
    residual: false,
    embedding: task.name === "recall" ? oneHot(2 * SYMBOLS) : null,
    embed: null,
    head: structuredClone(head),
    vocab: task.name === "recall" ? [...LETTERS] : null,
    meta: /** @type {Record<string, any>} */ ({}),
  };
}

/** @param {number} size */
const oneHot = (size) => ({
  weight: Float64Array.from({ length: size * size }, (_, at) => Number(at % (size + 1) === 0)),
  bias: null,
  inputs: size,
  outputs: size,
});

/** Letters are a sentence without a beginning of its own. @param {Session} session */
function lettersMeta({ task, example, shown }) {
  const width = 2 * SYMBOLS;
  const text = ({ inputs }) =>
    Array.from({ length: task.steps }, (_, t) =>
      LETTERS.at(inputs.subarray(t * width, (t + 1) * width).indexOf(1)),
    ).join("");
  const beginnings = [example, task.draw(shown), task.draw(shown)].map(text);
  return {
    task: "language",
    opening: beginnings[0],
    beginnings,
    tokenizer: { level: "char", characters: LETTERS, byte_fallback: false, begin: null },
  };
}

/** Numbers two of which are marked; the marks stay where they are. @param {Session} session */
function addingMeta({ task, example }) {
  const column = (k) => Array.from({ length: task.steps }, (_, t) => example.inputs[2 * t + k]);
  const marks = column(1);
  const times = marks.map((mark, t) => `${t + 1}${mark ? " ✓" : ""}`);
  return {
    ...plainMeta("numbers", task.steps, 1),
    marks,
    series: [{ id: "adding", y: Float64Array.from(column(0)), times, future: [] }],
  };
}

/** @param {Session} session */
function sineMeta({ task, example }) {
  const values = [...example.inputs, example.target[task.steps - 1]];
  return {
    ...plainMeta("forecast", task.steps, Math.min(AHEAD, Math.ceil(task.steps / 2))),
    series: [{ ...storedSeries({ values, times: null }, AHEAD), id: "sine", title: null }],
  };
}

/** @param {any} session @param {string[] | null} times */
function seriesMeta({ task }, times) {
  const { center, scale, values, steps, held } = task;
  const h = Math.max(1, Math.min(AHEAD, Math.ceil(held / 2)));
  const pasted = { values: Array.from(values, (value) => center + scale * value), times };
  return {
    ...plainMeta("forecast", steps, h),
    center,
    scale,
    series: [storedSeries(pasted, h)],
  };
}

/** @param {string} task @param {number} steps @param {number} h */
const plainMeta = (task, steps, h) => ({
  task,
  plain: true,
  center: 0,
  scale: 1,
  marks: null,
  quantiles: QUANTILES,
  shape: { patch: 1, steps, h, seasons: [], anchors: [] },
  reach: Array.from({ length: h }, () => QUANTILES.map(() => 0)),
});

/** Measures the forecasts on what was not learned from. @param {any} model @param {any} session */
function* weighed(model, session) {
  const { meta } = model;
  const cases = casesOf(session, meta);
  if (!cases.length) return;
  const read = (values, end) => readSeries(model, 0, values, end);
  const { errors, rows, windows } = yield* measured(model, cases, read);
  meta.reach = reachOf(errors, QUANTILES);
  if (rows.length) meta.backtest = { windows, h: meta.shape.h, rows };
}

/** @param {any} session @param {any} meta @returns {{values: Float64Array, end: number}[]} */
function casesOf({ task }, { shape, series }) {
  if (task.name === "sine") {
    const draw = random(4711);
    return Array.from({ length: WINDOWS }, () => ({
      values: longSine(draw, task.steps + shape.h),
      end: task.steps,
    }));
  }
  if (task.name !== "series") return [];
  const [{ y }] = series;
  const every = Math.max(1, Math.ceil(task.held / WINDOWS));
  const count = Math.floor(task.held / every);
  return Array.from({ length: count }, (_, k) => ({
    values: y,
    end: y.length - task.held + k * every,
  }));
}

/** A sine that goes on for as long as is forecast. */
function longSine(draw, length) {
  const { inputs } = sine(length).draw(draw);
  return inputs;
}
