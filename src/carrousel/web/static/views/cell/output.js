// @ts-check
/** What the network says after a step, where it says words. */

import { nextWords } from "../../asking.js";
import { el } from "../../components/dom.js";
import { percent, t } from "../../i18n.js";
import { isSmall } from "../../live.js";

const SHOWN = 3;

/** @param {any} state @param {number} step @returns {Element[]} empty where there are no words */
export function spoken(state, step) {
  const { record, model, input } = state;
  if (!model.vocab || !model.head) return [];
  const best = nextWords(model, record, step, input?.left).slice(0, SHOWN);
  return [
    el("span", { class: "hint" }, t(isSmall(state) ? "cell.says" : "cell.next")),
    ...best.map(({ id, probability }) =>
      el(
        "span",
        { class: "cell-guess", style: { "--share": String(probability) } },
        el("b", {}, model.vocab[id]),
        ` ${percent(probability)}`,
      ),
    ),
  ];
}
