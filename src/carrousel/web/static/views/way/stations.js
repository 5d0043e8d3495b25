// @ts-check
/** The small pictures at the stations: a vector as a strip, guesses as bars. */

import { el, svg } from "../../components/dom.js";
import { largestOf } from "../../components/scales.js";
import { number, percent } from "../../i18n.js";
import { painter } from "../cell/values.js";

const WIDTH = 200,
  HEIGHT = 34;

/** A row of a layer's numbers, to the scale of the whole sequence.
 * @param {Float64Array} rows @param {any} run @param {number} step @param {"I" | "H"} size */
export function strip(rows, run, step, size) {
  const count = run[size];
  const paint = painter();
  const most = largestOf(rows);
  const values = rows.subarray(step * count, (step + 1) * count);
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${count}` },
    Array.from(values, (value, k) =>
      svg("rect", {
        x: (k * WIDTH) / count,
        width: Math.max(0.5, WIDTH / count - (count <= 32 ? 1 : 0)),
        y: 0,
        height: HEIGHT,
        fill: paint({ id: "x" }, value, most),
      }),
    ),
  );
}

/** @param {{text: string, value: number, share: boolean}[]} found */
export function guessBars(found) {
  const most = largestOf(found.map(({ value }) => value));
  return el(
    "div",
    { class: "way-guesses" },
    found.map(({ text, value, share }) =>
      guessBar(text, Math.abs(value) / most, share ? percent(value, 1) : number(value, 1)),
    ),
  );
}

/** @param {string} text @param {number} share of the longest bar @param {string} value */
export const guessBar = (text, share, value) =>
  el(
    "div",
    { class: "way-guess" },
    el("b", {}, text),
    el("i", { class: "bar", style: { width: `${100 * share}%` } }),
    el("span", { class: "number" }, value),
  );
