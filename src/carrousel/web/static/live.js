// @ts-check
/** Keeps the record what the model makes of the input, whoever changes either. */

import { loadModel } from "./net/load.js";
import { forward } from "./net/forward.js";
import { fetchModel } from "./source.js";
import { readSentence } from "./tokenizer.js";
import { readSeries } from "./forecaster.js";
import { t } from "./i18n.js";

/** @type {Map<string, Promise<import("./net/load.js").Model>>} */
const loaded = new Map();

/** A model by its name; read and decoded once. @param {string} name */
export function modelOf(name) {
  if (!loaded.has(name)) {
    const found = fetchModel(name).then(loadModel);
    found.catch(() => loaded.delete(name)); // so that it may be asked for again
    loaded.set(name, found);
  }
  return loaded.get(name);
}

/** Load a model and give it its first input: `text` for a model that reads sentences. */
export async function openModel(store, name, text = null) {
  const model = await modelOf(name);
  const input =
    model.meta.task === "language"
      ? readSentence(model, text ?? model.meta.opening ?? t("page.opening"))
      : readSeries(model, 0);
  const record = forward(model, input.x);
  store.set({
    model,
    input,
    record,
    kind: model.kind,
    step: record.T - 1,
    unit: null,
    playing: false,
    layer: model.layers.length - 1,
  });
}

/** The same sentence, read by the other kind of cell. @param {any} store @param {string} kind */
export const openCell = (store, kind) =>
  openModel(store, store.state.model.meta.cells[kind], store.state.input.text);

/** Recomputes the record when the input is another one. */
export function keepLive(store) {
  return store.subscribe((state, changed) => {
    if (!changed.has("input") || changed.has("record")) return;
    const record = forward(state.model, state.input.x);
    const atEnd = state.record === null || state.step >= state.record.T - 1;
    const step = atEnd ? record.T - 1 : Math.min(state.step, record.T - 1);
    store.set({ record, step });
  });
}
