// @ts-check
// One example, and what each network says to it at this moment.

import { el, svg } from "../../components/dom.js";
import { number, t } from "../../i18n.js";
import { softmax } from "../../net/forward.js";
import { SYMBOLS } from "../../net/tasks.js";

/** @typedef {import("../../net/session.js").Session} Session @typedef {import("../../net/tasks.js").Example} Example */

const WIDTH = 420;

/**
 * @param {string} name of the task @param {Session} session
 * @param {Map<string, Float64Array>} outputs (T, O) of each network
 */
export function answer(name, session, outputs) {
  const picture = { recall: recalled, adding: added, sine: curves, series: curves }[name];
  return /** @type {any} */ (picture)(session, outputs);
}

/** @param {Session} session @param {Map<string, Float64Array>} outputs */
function recalled({ example, task }, outputs) {
  const width = 2 * SYMBOLS, letters = Array.from({ length: task.steps }, (_, step) =>
    example.inputs.subarray(step * width, (step + 1) * width).indexOf(1));
  const right = letters[0];
  const rows = [...outputs].map(([kind, output]) => {
    const chances = softmax(output.subarray(output.length - SYMBOLS));
    return el("div", { class: "answer-row", data: { network: kind } }, el("strong", {}, kind.toUpperCase()),
      ...Array.from(chances, (chance, symbol) => el("span", {
        class: symbol === right ? "chance right" : "chance", style: { "--share": chance.toFixed(3) },
      }, `${"ABCD"[symbol]} ${number(100 * chance, 0)} %`)));
  });
  return el("div", {}, el("div", { class: "letters", "aria-label": t("train.reads") }, letters.map((symbol, step) =>
    el("span", { class: step === 0 ? "letter first" : "letter" }, "ABCDwxyz"[symbol]))), el("p", { class: "hint" }, t("train.asks.recall")), rows);
}

/** @param {Session} session @param {Map<string, Float64Array>} outputs */
function added({ example, task }, outputs) {
  const { steps } = task, size = WIDTH / steps, tall = 58;
  const bars = Array.from({ length: steps }, (_, step) => {
    const [value, mark] = example.inputs.subarray(2 * step, 2 * step + 2);
    return svg("rect", { class: mark ? "pair marked" : "pair", x: step * size + size * 0.12, width: size * 0.76, y: tall - value * tall, height: Math.max(1, value * tall) });
  });
  const target = example.target[steps - 1], x = (/** @type {number} */ value) => 14 + ((value + 0.25) / 2.5) * (WIDTH - 28), y = tall + 30;
  const answers = [...outputs].map(([kind, output], row) => svg("g", { data: { network: kind } },
    svg("line", { class: "answer-line", x1: x(target), x2: x(output[steps - 1]), y1: y + 14 + row * 17, y2: y + 14 + row * 17 }),
    svg("circle", { class: "answer-dot", cx: x(output[steps - 1]), cy: y + 14 + row * 17, r: 6 })));
  const ticks = [0, 0.5, 1, 1.5, 2].map((value) => svg("text", { class: "tick", x: x(value), y: y + 2, "text-anchor": "middle" }, number(value, 1)));
  return el("div", {}, svg("svg", { viewBox: `0 0 ${WIDTH} 160`, class: "answer-picture" }, bars, ticks,
    svg("line", { class: "target-line", x1: x(target), x2: x(target), y1: y + 6, y2: y + 58 }), answers),
  el("p", { class: "hint" }, t("train.asks.adding", number(target, 2))));
}

/** @param {Session} session @param {Map<string, Float64Array>} outputs */
function curves({ example, task }, outputs) {
  const { steps } = task, tall = 150, all = [...example.target];
  const low = Math.min(-1.4, ...all), high = Math.max(1.4, ...all);
  const x = (/** @type {number} */ step) => 4 + (step / Math.max(1, steps - 1)) * (WIDTH - 8);
  const y = (/** @type {number} */ value) => 4 + ((high - Math.min(high + 0.5, Math.max(low - 0.5, value))) / (high - low)) * (tall - 8);
  const points = all.map((value, step) => svg("circle", { class: "wanted", cx: x(step), cy: y(value), r: Math.min(3, 120 / steps) }));
  const lines = [...outputs].map(([kind, output]) => svg("polyline", {
    class: "said", data: { network: kind }, points: Array.from(output, (value, step) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
  }));
  return el("div", {}, svg("svg", { viewBox: `0 0 ${WIDTH} ${tall}`, class: "answer-picture" }, points, lines), el("p", { class: "hint" }, t("train.asks.curve")));
}
