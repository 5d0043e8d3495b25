// @ts-check
/** Where a series of one's own is pasted for a forecaster, and what is said of it. */

import { addTexts, t } from "../i18n.js";
import { MOST_VALUES, SeriesError } from "../net/pasted.js";
import { openOwnSeries } from "../live.js";
import { otherStep, ownText, pasteOwn } from "../own-series.js";
import texts from "../texts/paste.js";
import { el } from "./dom.js";

addTexts(texts);

/**
 * Where a series is pasted: a field, the button that uses it, and what is wrong with it.
 * @param {{name: string, rows: number, text: string, use: (text: string) => void}} options
 */
export function pasteField({ name, rows, text, use }) {
  const error = el("p", { class: "train-error", role: "alert", hidden: true });
  const field = el(
    "textarea",
    {
      id: `${name}-series`,
      rows,
      spellcheck: "false",
      "aria-label": t("paste.field"),
      placeholder: t("paste.field"),
    },
    text,
  );
  const button = el(
    "button",
    { id: `${name}-use`, onclick: () => use(field.value) },
    t("paste.use"),
  );

  /** @param {SeriesError | null} problem */
  function complain(problem) {
    error.hidden = problem === null;
    if (problem)
      error.textContent = t(`paste.error.${problem.reason}`, problem.detail, MOST_VALUES);
  }

  return { element: el("div", { class: "train-paste" }, field, button, error), complain };
}

/** A field for the series of one's own; the forecaster reads it at once. @param {any} store */
export function pastePanel(store) {
  const { model } = store.state;
  const note = el("p", { class: "hint", role: "status", id: "paste-note" });
  const told = notes(model);
  const field = pasteField({ name: "paste", rows: 3, text: ownText(), use });
  function use(text) {
    try {
      pasteOwn(text);
    } catch (problem) {
      if (!(problem instanceof SeriesError)) throw problem;
      field.complain(problem);
      return;
    }
    field.complain(null);
    openOwnSeries(store);
  }
  const draw = () => {
    note.textContent = model.meta.series[store.state.input.index].own ? told : "";
  };
  draw();
  field.element.append(note);
  const element = el("section", { class: "panel" }, el("h3", {}, t("paste.own")), field.element);
  return { element, draw };
}

/** What a reader of such a forecast has to know. @param {any} model */
const notes = (model) =>
  [t("paste.patch", model.meta.shape.patch), otherStep(model) && t("paste.dates")]
    .filter(Boolean)
    .join(" ");
