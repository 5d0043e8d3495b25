// @ts-check
/**
 * Which model is open and what it reads; the record is kept what the model makes of the input,
 * whoever changes either. What each model was given, and where one looked, is there again when it
 * comes back.
 */

import { loadModel } from "./net/load.js";
import { forward, forwardSlices } from "./net/forward.js";
import { random } from "./net/random.js";
import { smallModel, WRITTEN } from "./net/small.js";
import { write } from "./net/stepping.js";
import { breath, finished, sliced } from "./slices.js";
import { fetchModel, knownModels } from "./source.js";
import { readSentence, typed } from "./tokenizer.js";
import { readSeries, seriesAsSaid } from "./forecaster.js";
import { withOwnSeries } from "./own-series.js";
import { forgetAll, keep, kept } from "./browser-store.js";

/** What the small networks are called. */
export const SMALL = /^letters-(lstm|gru|rnn)$/;
const OWN_LENGTH = { char: 40, word: 8, bpe: 10 }; // tokens of an opening that a model writes itself
const OWN_OPENINGS = 5;
const CALM = 0.6; // temperature at which it does

/** @typedef {{input: any, step: number, unit: number | null, layer: number}} Look */

/** Models that were loaded, and what was looked at in each. @type {Map<string, any>} */
const loaded = new Map();
/** @type {Map<string, Look>} */
const looks = new Map();
/** The model that the page opened last, small ones aside. @type {string | null} */
let opened = null;
/** What the page read when it began: choices that its address names were made in it. @type {any} */
let begun = null;

export const recordAtFirst = () => begun;

/** @param {any} state */
export const isSmall = (state) => Boolean(state.model?.meta.small);

/** Whether the open network is nowhere but in this browser. @param {any} state */
export const isTrained = (state) => Boolean(state.model?.meta.trained);

/** The model to which one comes back from a small network. */
export const openedModel = () => (opened === null ? null : loaded.get(opened));

/** The name of the model of the same family with another kind of cell. @param {string} kind
 * @returns {string | null} */
export function siblingOf(kind) {
  const model = openedModel();
  return model && model.kind !== kind ? (model.meta.cells?.[kind] ?? null) : null;
}

/** The same sentence or series, read by another kind of cell. @param {any} store @param {string} kind */
export function openCell(store, kind) {
  const { model, input, step, unit, layer } = store.state;
  const look = model.meta.trained ? { input, step, unit, layer } : {};
  return openModel(store, model.meta.cells[kind], { text: input.text, look });
}

const TRAINED = { key: "networks", format: 1 }; // as the browser keeps them

/** Networks that were trained here take the place of those before them. @param {any[]} models */
function putTrained(models) {
  for (const [name, { meta }] of loaded) if (meta.trained) loaded.delete(name);
  for (const model of models) {
    loaded.set(model.name, model);
    looks.delete(model.name);
  }
}

/** The same, and the browser keeps them, if it keeps anything. @param {any[]} models */
export function keepTrained(models) {
  putTrained(models);
  keep(TRAINED.key, { format: TRAINED.format, models });
}

/** Those of an earlier visit are there again. @returns {Promise<boolean>} whether there are any */
export async function findTrained() {
  const found = await kept(TRAINED.key);
  if (found?.format !== TRAINED.format) return false;
  putTrained(found.models);
  return true;
}

/** Nothing that was trained here is kept any longer. @param {any} store */
export async function forgetTrained(store) {
  putTrained([]);
  await forgetAll();
  if (store.state.model.meta.trained) await openModel(store, knownModels()[0].name);
  else store.set({ trained: store.state.trained + 1 });
}

/** A network that was trained here, if any was opened. */
export const trainedHere = () => [...loaded.values()].find(({ meta }) => meta.trained) ?? null;

/** @param {string | null} name of such a network */
export const trainedNamed = (name) => {
  const found = name === null ? undefined : loaded.get(name);
  return found?.meta.trained ? found : null;
};

/** Loads a model; a small one is made at once. @param {string} name */
export async function modelOf(name) {
  const small = SMALL.exec(name);
  if (!loaded.has(name) && small)
    loaded.set(name, smallModel(/** @type {"lstm" | "gru" | "rnn"} */ (small[1])));
  if (!loaded.has(name)) {
    const page = await fetchModel(name);
    await breath(); // what parsed it, what decodes it and what runs it are tasks of their own
    loaded.set(name, loadModel(page));
    await breath();
  }
  const before = loaded.get(name);
  const model = withOwnSeries(before);
  if (model !== before) looks.delete(name); // what was looked at may have been another series
  loaded.set(name, model);
  return model;
}

/**
 * Opens a model on what it was given last, or on the text or series that is said.
 * @param {any} store @param {string} name
 * @param {{text?: string, look?: Partial<Look>,
 *   series?: {index: number, end: number | null, points: number[][]}, missing?: string | null}} [given]
 *   missing: the model that was asked for, if it is not here
 */
export async function openModel(store, name, { text, look = {}, series, missing = null } = {}) {
  const model = await modelOf(name);
  const found = { ...(looks.get(name) ?? firstLook(model)) };
  if (text !== undefined && model.meta.task === "language")
    Object.assign(found, { input: readSentence(model, typed(model, text)), step: Infinity });
  if (series && model.meta.task === "forecast") found.input = seriesAsSaid(model, series);
  Object.assign(found, look);
  const { input } = found;
  const record = await sliced(forwardSlices(model, input.x), () => false);
  if (!model.meta.small) opened = name;
  begun ??= record;
  store.set({
    model,
    input,
    record,
    kind: model.kind,
    step: Math.min(found.step, record.T - 1),
    unit: found.unit === null ? null : Math.min(found.unit, model.hiddenSize - 1),
    playing: false,
    layer: Math.min(found.layer, model.layers.length - 1),
    operation: 6,
    missing,
  });
}

/** The open forecaster reads the series of one's own, which was pasted just now. @param {any} store */
export async function openOwnSeries(store) {
  const { name } = store.state.model;
  const model = await modelOf(name);
  return openModel(store, name, {
    look: { input: readSeries(model, model.meta.series.length - 1) },
  });
}

/** @returns {Look} */
function firstLook(model) {
  const { small, task } = model.meta;
  const input =
    task === "language"
      ? readSentence(model, typed(model, openingsOf(model)[0]))
      : readSeries(model, 0);
  const layer = model.layers.length - 1;
  return { input, layer, step: small ? 1 : Infinity, unit: small ? WRITTEN[model.kind] : null };
}

const written = new WeakMap();

/** Beginnings of sentences for a model: its own, or such as it writes itself. @returns {string[]} */
export function openingsOf(model) {
  const { opening, openings } = model.meta;
  const beginnings = openings?.map((one) => one.text) ?? model.meta.beginnings;
  if (opening ?? beginnings?.[0])
    return [...new Set([opening ?? beginnings[0], ...(beginnings ?? [])])];
  if (!written.has(model)) written.set(model, ownOpenings(model));
  return written.get(model);
}

function ownOpenings(model) {
  const length = OWN_LENGTH[model.meta.tokenizer.level];
  const texts = Array.from({ length: OWN_OPENINGS }, (_, k) => {
    const draw = random(k + 1);
    const ids = finished(write(model, { length: length + 1, draw, temperature: CALM }));
    const words = ids.slice(1).map((id) => model.vocab[id]);
    return words.join("").replace(/\s+/g, " ").trim();
  });
  return [...new Set(texts.filter(Boolean).concat(model.vocab[1]))];
}

/** Recomputes the record when the input is another one, and remembers what was looked at. */
export function keepLive(store) {
  return store.subscribe((state, changed) => {
    if (changed.has("input") && !changed.has("record")) {
      const record = forward(state.model, state.input.x);
      store.set({ record, step: stepIn(record, state) });
    }
    const { model, input, step, unit, layer } = store.state;
    if (model) looks.set(model.name, { input, step, unit, layer });
  });
}

/** Who looked at the end goes on to do so. */
const stepIn = (record, { record: before, step }) =>
  before === null || step >= before.T - 1 ? record.T - 1 : Math.min(step, record.T - 1);

let readings = 0; // calls of readInput: only the last one counts

/**
 * The open model reads another input, a long one a few milliseconds at a time; the step is where one
 * looked, or the one that is said.
 * @param {any} store @param {any} input @param {number} [step]
 */
export async function readInput(store, input, step) {
  const turn = ++readings;
  const { model } = store.state;
  const left = () => turn !== readings || store.state.model !== model;
  const record = await sliced(forwardSlices(model, input.x), left);
  if (!record || left()) return;
  store.set({
    input,
    record,
    step: stepIn(record, { ...store.state, step: step ?? store.state.step }),
    playing: false,
  });
}

/** What is looked at now, to come back to. @param {any} store */
export function rememberedLook(store) {
  const { model, input, step, unit, layer, kind } = store.state;
  return { model: model.name, kind, look: { input, step, unit, layer }, hash: location.hash };
}
