// @ts-check
/** What the network says after a step, where it says words. */

import { el } from "../../components/dom.js";
import { number, t } from "../../i18n.js";
import { softmax } from "../../net/forward.js";
import { isSmall } from "./networks.js";

const SHOWN = 3;

/** @param {any} state @param {number} step @returns {Element[]} empty where there are no words */
export function spoken(state, step) {
  const { record, model } = state;
  if (!model.vocab || !record.output) return [];
  const size = record.output.length / record.T;
  const chances = softmax(record.output.subarray(step * size, (step + 1) * size));
  const best = [...chances.keys()].sort((a, b) => chances[b] - chances[a]).slice(0, SHOWN);
  return [
    el("span", { class: "hint" }, t(isSmall(state) ? "cell.says" : "cell.next")),
    ...best.map((k) =>
      el(
        "span",
        { class: "cell-guess", style: { "--share": String(chances[k]) } },
        el("b", {}, model.vocab[k]),
        ` ${number(100 * chances[k], 0)}\u00a0%`,
      ),
    ),
  ];
}
