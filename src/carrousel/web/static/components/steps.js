// @ts-check
/** Steps of what is read as buttons that lead there, and what may come next as rows with bars. */

import { el } from "./dom.js";

/**
 * One button for each step; the container has `data-roving`.
 * @param {any} store @param {string[]} names @param {number} at the step that is shown
 * @param {(step: number) => Record<string, any>} [more] properties of its own
 */
export const stepButtons = (store, names, at, more = () => ({})) =>
  names.map((name, k) =>
    el(
      "button",
      {
        class: "word",
        "aria-pressed": String(k === at),
        tabindex: k === at ? 0 : -1,
        onclick: () => store.set({ step: k, playing: false }),
        ...more(k),
      },
      name,
    ),
  );

/** What stands in the row of a guess. @param {string} text @param {number} share of the longest bar
 * @param {string} value */
export const guessParts = (text, share, value) => [
  el("span", {}, text),
  el("i", { class: "bar", style: { width: `${(100 * share).toFixed(1)}%` } }),
  el("span", { class: "number" }, value),
];
