// @ts-check
/** Where the user says what the network reads: a sentence, or one of the series. */

import { t } from "../i18n.js";
import { readSentence } from "../tokenizer.js";
import { readSeries } from "../forecaster.js";
import { el } from "./dom.js";
import { cellChooser, openingPanel } from "./openings.js";

export function mountInputBar(root, store) {
  const { model, input } = store.state;
  const bar =
    model.meta.task === "language"
      ? sentenceBar(store, model, input)
      : seriesBar(store, model, input);
  root.replaceChildren(bar);
}

function sentenceBar(store, model, input) {
  const note = el("p", { class: "hint", role: "status", id: "unknown-words" });
  const field = el("input", {
    type: "text",
    id: "sentence",
    value: input.text,
    maxlength: 300,
    autocomplete: "off",
    spellcheck: "false",
    lang: model.meta.language ?? "fr",
    oninput: () => read(field.value),
  });
  const examples =
    model.meta.openings?.map((one) => one.text) ??
    model.meta.beginnings ??
    t("page.beginnings").split("|");
  const panel = openingPanel(store, (text) => {
    field.value = text;
    read(text);
  });
  const menu = el(
    "select",
    {
      id: "examples",
      "aria-label": t("page.examples"),
      onchange: () => {
        field.value = menu.value;
        read(field.value);
      },
    },
    el("option", { value: input.text }, t("page.examples")),
    examples.map((one) => el("option", { value: one }, one)),
  );

  function read(text) {
    if (!text.trim()) return;
    const next = readSentence(model, text);
    say(next);
    store.set({ input: next, playing: false });
    panel.update();
  }
  function say(sentence) {
    const spelled = sentence.tokens
      .filter((token) => !token.known)
      .map((token) => token.text)
      .join("");
    note.textContent = spelled ? t("page.unknown", spelled) : "";
  }
  say(input);
  panel.update();
  return el(
    "div",
    { class: "input-bar" },
    el("label", { for: "sentence" }, t("page.sentence")),
    field,
    menu,
    cellChooser(store),
    note,
    panel.element,
  );
}

function seriesBar(store, model, input) {
  const names = model.meta.series.map((one) => one.id);
  const reset = () => store.set({ input: readSeries(model, store.state.input.index) });
  const menu = el(
    "select",
    {
      id: "series",
      "aria-label": t("page.series"),
      hidden: names.length < 2,
      onchange: () => store.set({ input: readSeries(model, menu.selectedIndex) }),
    },
    names.map((name, k) => el("option", { selected: k === input.index }, name)),
  );
  return el(
    "div",
    { class: "input-bar" },
    el("span", {}, t("page.reads", model.meta.shape.patch)),
    menu,
    el("button", { id: "reset-series", onclick: reset }, t("page.reset")),
  );
}
