// @ts-check
/** Keeps the record what the model makes of the input, whoever changes either. */

import { loadModel } from "./net/load.js";
import { forward } from "./net/forward.js";
import { fetchModel } from "./source.js";
import { readSentence } from "./tokenizer.js";
import { readSeries } from "./forecaster.js";
import { t } from "./i18n.js";

/** Load a model and give it its first input. */
export async function openModel(store, name) {
  const model = loadModel(await fetchModel(name));
  const input =
    model.meta.task === "language"
      ? readSentence(model, model.meta.opening ?? t("page.opening"))
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
