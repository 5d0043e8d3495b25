// @ts-check
/** A slider with its name and its number. */

import { el } from "./dom.js";

/**
 * @param {{id: string, label: string, min: number, max: number, step: number, value: number,
 *   show: (value: number) => string, onchange: (value: number) => void}} options
 */
export function slider({ id, label, min, max, step, value, show, onchange }) {
  const output = el("output", { class: "number", for: id }, show(value));
  const input = el("input", {
    type: "range",
    id,
    min,
    max,
    step,
    value,
    oninput: () => {
      set(Number(input.value));
      onchange(Number(input.value));
    },
  });
  const set = (now) => {
    input.value = String(now);
    output.textContent = show(now);
    input.setAttribute("aria-valuetext", show(now));
  };
  set(value);
  const element = el("label", { class: "slider" }, el("span", {}, label, output), input);
  return { element, set };
}
