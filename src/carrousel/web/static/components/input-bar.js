// @ts-check
/** Where the user says what the network reads: a sentence, or one of the series. */

import { t } from "../i18n.js";
import { openingsOf, readInput } from "../live.js";
import { LONGEST, readSentence, typed } from "../tokenizer.js";
import { readSeries } from "../forecaster.js";
import { el } from "./dom.js";
import { redraw } from "./focus.js";
import { cellChooser, openingPanel } from "./openings.js";

const MOST_LETTERS = 2000; // as the server reads

/** @param {HTMLElement} root @param {any} store @param {{points?: boolean}} view
 * @returns {() => void} ends its following of the store */
export function mountInputBar(root, store, view) {
  const { model, input } = store.state;
  root.setAttribute("aria-label", t("page.input"));
  const { missing } = store.state;
  const bar =
    model.meta.task === "language"
      ? sentenceBar(store, model, input)
      : seriesBar(store, model, input, view);
  if (missing !== null)
    bar.append(
      el("p", { class: "hint", role: "status", id: "missing" }, t("page.missing", missing)),
    );
  redraw(root, bar);
  const field = /** @type {HTMLInputElement | null} */ (bar.querySelector("#sentence"));
  return store.subscribe(({ input: now }, changed) => {
    if (changed.has("input") && field && now.tokens && document.activeElement !== field)
      field.value = now.text;
  });
}

function sentenceBar(store, model, input) {
  const note = el("p", { class: "hint", role: "status", id: "unknown-words" });
  const field = el("input", {
    type: "text",
    id: "sentence",
    value: input.text,
    autocomplete: "off",
    spellcheck: "false",
    lang: model.meta.language,
    oninput: () => read(field.value),
  });
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
    openingsOf(model).map((one) => el("option", { value: one }, one)),
  );

  function read(text) {
    const next = readSentence(model, typed(model, text.slice(0, MOST_LETTERS)));
    if (!next.x.length) {
      note.textContent = t("page.nothing", model.meta.tokenizer.characters);
      return; // a network needs something to read
    }
    note.textContent = noteOn(next, text.length > MOST_LETTERS);
    readInput(store, next).then(panel.update);
  }
  note.textContent = noteOn(input, false);
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

/** What a reader should know of how a sentence was read. */
function noteOn({ tokens, spelled, beyond }, cut) {
  const notes = [];
  if (tokens.length === 1) notes.push(t("page.empty"));
  if (spelled.length) notes.push(t("page.unknown", spelled.join(", ")));
  if (beyond || cut) notes.push(t("page.left", LONGEST));
  return notes.join(" ");
}

/** @param {any} store @param {any} model @param {any} input @param {{points?: boolean}} view */
function seriesBar(store, model, input, { points }) {
  const names = model.meta.series.map((one) => nameOf(one, store.state.lang));
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
    cellChooser(store),
    el(
      "span",
      {},
      t("page.reads", model.meta.shape.patch),
      " ",
      t(points ? "page.drag" : "page.elsewhere"),
    ),
    menu,
    el("button", { id: "reset-series", onclick: reset }, t("page.reset")),
  );
}

/** A series' name in the language of the page. @param {any} series @param {string} lang */
export const nameOf = (series, lang) => series.title?.[lang] ?? series.id;
