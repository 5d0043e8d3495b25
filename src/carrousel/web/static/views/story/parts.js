// @ts-check
/** What the chapters are made of: a slider with its number, a question that is asked before it is told. */

import { el } from "../../components/dom.js";
import { t } from "../../i18n.js";

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

/**
 * A question with its answers; what is true is told once one was chosen.
 * @param {string} name of its texts @param {number} right
 */
export function question(name, right) {
  const said = el("p", { class: "story-says", role: "status" });
  const options = t(`story.${name}-options`)
    .split("|")
    .map((option, k) => el("button", { data: { option: k }, onclick: () => choose(k) }, option));
  function choose(given) {
    options.forEach((option, k) => {
      option.setAttribute("aria-pressed", String(k === given));
      option.className = k === right ? "right" : k === given ? "wrong" : "";
    });
    said.textContent = t(given === right ? "story.right" : "story.wrong") + t(`story.${name}-says`);
  }
  return el(
    "div",
    { class: "story-question", role: "group", "aria-label": t(`story.${name}-ask`) },
    el("p", {}, el("b", {}, t(`story.${name}-ask`))),
    el("div", { class: "story-options" }, options),
    said,
  );
}
