// @ts-check
/** Where a series of one's own is pasted for a forecaster, and what is said of it. */

import { addTexts, t } from "../i18n.js";
import { MOST_VALUES, SeriesError } from "../net/pasted.js";
import { openOwnSeries } from "../live.js";
import { otherStep, ownText, pasteOwn } from "../own-series.js";
import texts from "../texts/paste.js";
import { el } from "./dom.js";

addTexts(texts);

/** @param {SeriesError} problem */
export const problemText = ({ reason, detail }) => t(`paste.error.${reason}`, detail, MOST_VALUES);

/** A field for the series of one's own; the forecaster reads it at once. @param {any} store */
export function pastePanel(store) {
  const { model } = store.state;
  const error = el("p", { class: "train-error", role: "alert", hidden: true });
  const note = el("p", { class: "hint", role: "status", id: "paste-note" });
  const field = el(
    "textarea",
    {
      id: "paste-series",
      rows: 3,
      spellcheck: "false",
      "aria-label": t("paste.field"),
      placeholder: t("paste.field"),
    },
    ownText(),
  );
  const use = () => {
    try {
      pasteOwn(field.value);
    } catch (problem) {
      if (!(problem instanceof SeriesError)) throw problem;
      error.hidden = false;
      error.textContent = problemText(problem);
      return;
    }
    error.hidden = true;
    openOwnSeries(store);
  };
  const draw = () => {
    note.textContent = model.meta.series[store.state.input.index].own ? notes(model) : "";
  };
  draw();
  const element = el(
    "section",
    { class: "panel" },
    el("h3", {}, t("paste.own")),
    el(
      "div",
      { class: "train-paste" },
      field,
      el("button", { id: "paste-use", onclick: use }, t("paste.use")),
      error,
      note,
    ),
  );
  return { element, draw };
}

/** What a reader of such a forecast has to know. @param {any} model */
const notes = (model) =>
  [t("paste.patch", model.meta.shape.patch), otherStep(model) && t("paste.dates")]
    .filter(Boolean)
    .join(" ");
