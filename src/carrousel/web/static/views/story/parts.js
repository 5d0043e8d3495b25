// @ts-check
/** What the chapters are made of: a question that is asked before it is told. */

import { el } from "../../components/dom.js";
import { t } from "../../i18n.js";

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
