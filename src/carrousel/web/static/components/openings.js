// @ts-check
/**
 * Beginnings that need a memory: each has its swap, in which one early word is another, and the
 * guesses of every kind of cell after both, side by side. A cell whose guess does not follow the
 * word has forgotten it.
 */

import { nextWords } from "../asking.js";
import { percent, quoted, t } from "../i18n.js";
import { modelOf, openCell } from "../live.js";
import { TAUGHT } from "../net/cells.js";
import { forward } from "../net/forward.js";
import { breath } from "../slices.js";
import { readSentence } from "../tokenizer.js";
import { el } from "./dom.js";
import { redraw } from "./focus.js";

const SHOWN = 3; // guesses
const NARROW = "(max-width: 640px)"; // where the table would be all that one sees at first

/**
 * @typedef {Object} Opening
 * @property {string} text @property {string} swap the same with another early word
 * @property {{en: string, fr: string}} why
 */

/** The opening that a text is, or is the swap of. @param {any} model @param {string} text */
function openingOf(model, text) {
  /** @type {Opening[]} */
  const openings = model.meta.openings ?? [];
  return openings.find((one) => one.text === text || one.swap === text) ?? null;
}

/** What differs between two texts, between the words that begin and end both.
 * @param {string} one @param {string} other @returns {[string, string]} */
export function difference(one, other) {
  const a = one.split(" "),
    b = other.split(" ");
  while (a.length > 1 && b.length > 1 && a[0] === b[0]) (a.shift(), b.shift());
  while (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-1)) (a.pop(), b.pop());
  return [a.join(" "), b.join(" ")];
}

/** The cells that read the same sentences, as they are listed. @param {any} model */
const kindsOf = (model) => TAUGHT.filter((kind) => model.meta.cells?.[kind]).reverse();

/** Buttons that read the same sentence with another cell. @param {any} store */
export function cellChooser(store) {
  const { model } = store.state;
  const kinds = kindsOf(model);
  if (kinds.length < 2) return null;
  return el(
    "div",
    { class: "segments", id: "cells", role: "group", "aria-label": t("page.cells") },
    kinds.map((kind) =>
      el(
        "button",
        {
          "aria-pressed": String(kind === model.kind),
          data: { cell: kind },
          onclick: () => kind !== store.state.model.kind && openCell(store, kind),
        },
        kind.toUpperCase(),
      ),
    ),
  );
}

/**
 * Below the sentence: the button that swaps the word, and the table of the cells' guesses.
 * @param {any} store @param {(text: string) => void} read puts a text into the field
 */
export function openingPanel(store, read) {
  const root = el("div", { class: "opening", id: "opening" });
  let turn = 0;
  function update() {
    const { model, input, lang } = store.state;
    const opening = openingOf(model, input.text);
    const mine = ++turn;
    root.hidden = !opening;
    if (!opening) return;
    const other = input.text === opening.text ? opening.swap : opening.text;
    const [now, then] = difference(input.text, other);
    const table = el("div", { class: "opening-cells" });
    redraw(
      root,
      el(
        "button",
        { id: "swap", onclick: () => read(other) },
        t("page.swap", quoted(now), quoted(then)),
      ),
      el("p", { class: "hint" }, opening.why[lang] ?? opening.why.en),
      el(
        "details",
        { class: "opening-more", open: !matchMedia(NARROW).matches },
        el("summary", {}, t("page.guesses")),
        table,
      ),
    );
    compare(model, opening).then((rows) => mine === turn && table.replaceChildren(...drawn(rows)));
  }
  return { element: root, update };
}

/**
 * Of every cell of the family: what it guesses after the opening and after its swap, and whether the
 * likeliest is another.
 * @param {any} model @param {Opening} opening
 */
export async function compare(model, opening) {
  const rows = [];
  for (const kind of kindsOf(model)) {
    await breath(); // a kind after the other, so that the page answers between them
    const reader = kind === model.kind ? model : await modelOf(model.meta.cells[kind]);
    const [here, there] = [opening.text, opening.swap].map((text) => guesses(reader, text));
    rows.push({ kind, here, there, follows: here[0].id !== there[0].id });
  }
  return rows;
}

/** @param {any} model @param {string} text */
function guesses(model, text) {
  const { x, left } = readSentence(model, text);
  const record = forward(model, x);
  return nextWords(model, record, record.T - 1, left).slice(0, SHOWN);
}

function drawn(rows) {
  return rows.map(({ kind, here, there, follows }) =>
    el(
      "p",
      { data: { cell: kind, follows: String(follows) } },
      el("span", { class: "opening-cell" }, kind.toUpperCase()),
      ...guessed(here),
      " ⇄ ",
      ...guessed(there),
      " ",
      el("span", { class: "hint" }, t(follows ? "page.follows" : "page.forgets")),
    ),
  );
}

/** @param {{text: string, probability: number}[]} words */
const guessed = (words) =>
  words.flatMap(({ text, probability }, k) => [
    k ? ", " : "",
    k ? text : el("b", {}, text),
    el("span", { class: "number" }, ` ${percent(probability)}`),
  ]);
