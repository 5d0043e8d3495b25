// @ts-check
/** One example, and what each network says to it at this moment. */

import { el, svg } from "../../components/dom.js";
import { number, percent, t } from "../../i18n.js";
import { softmax } from "../../net/forward.js";
import { SYMBOLS } from "../../net/tasks.js";

/** @typedef {import("../../net/session.js").Session} Session */

const WIDTH = 420,
  CURVE_HEIGHT = 150,
  BAR_HEIGHT = 58;
const PICTURES = { recall: recalled, adding: added, sine: curves, series: curves };

/**
 * @param {Session} session
 * @param {Map<string, Float64Array>} outputs (T, O) of each network
 * @returns {Element}
 */
export function answer(session, outputs) {
  return PICTURES[session.task.name](session, outputs);
}

function recalled({ example, task }, outputs) {
  const width = 2 * SYMBOLS;
  const symbols = Array.from({ length: task.steps }, (_, step) =>
    example.inputs.subarray(step * width, (step + 1) * width).indexOf(1),
  );
  const letters = symbols.map((symbol, step) =>
    el("span", { class: step === 0 ? "letter first" : "letter" }, "ABCDwxyz"[symbol]),
  );
  return el(
    "div",
    {},
    el("div", { class: "letters", "aria-label": t("train.reads") }, letters),
    el("p", { class: "hint" }, t("train.asks.recall")),
    [...outputs].map(([kind, output]) =>
      chancesRow(kind, output.subarray(output.length - SYMBOLS), symbols[0]),
    ),
  );
}

function chancesRow(kind, logits, right) {
  const boxes = Array.from(softmax(logits), (chance, symbol) =>
    el(
      "span",
      {
        class: symbol === right ? "chance right" : "chance",
        style: { "--share": chance.toFixed(3) },
      },
      `${"ABCD"[symbol]} ${percent(chance)}`,
    ),
  );
  return el(
    "div",
    { class: "answer-row", data: { network: kind } },
    el("strong", {}, kind.toUpperCase()),
    boxes,
  );
}

function added({ example, task }, outputs) {
  const target = example.target[task.steps - 1],
    top = BAR_HEIGHT + 30;
  const x = (value) => 14 + ((Math.min(2.25, Math.max(-0.25, value)) + 0.25) / 2.5) * (WIDTH - 28);
  const answers = [...outputs].map(([kind, output], row) => {
    const y = top + 14 + row * 17,
      said = x(output[task.steps - 1]);
    return svg(
      "g",
      { data: { network: kind } },
      svg("line", { class: "answer-line", x1: x(target), x2: said, y1: y, y2: y }),
      svg("circle", { class: "answer-dot", cx: said, cy: y, r: 6 }),
    );
  });
  const ticks = [0, 0.5, 1, 1.5, 2].map((value) =>
    svg(
      "text",
      { class: "tick", x: x(value), y: top + 2, "text-anchor": "middle" },
      number(value, 1),
    ),
  );
  const truth = svg("line", {
    class: "target-line",
    x1: x(target),
    x2: x(target),
    y1: top + 6,
    y2: top + 58,
  });
  return el(
    "div",
    {},
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} 160`, class: "answer-picture" },
      pairs(example, task),
      ticks,
      truth,
      answers,
    ),
    el("p", { class: "hint" }, t("train.asks.adding", number(target, 2))),
  );
}

/** The numbers of the adding problem as bars; the two that are marked stand out. */
function pairs({ inputs }, { steps }) {
  const size = WIDTH / steps;
  return Array.from({ length: steps }, (_, step) => {
    const value = inputs[2 * step],
      tall = Math.max(1, value * BAR_HEIGHT);
    return svg("rect", {
      class: inputs[2 * step + 1] ? "pair marked" : "pair",
      x: (step + 0.12) * size,
      width: 0.76 * size,
      y: BAR_HEIGHT - tall,
      height: tall,
    });
  });
}

function curves({ example, task }, outputs) {
  const wanted = [...example.target],
    known = wanted.filter(Number.isFinite), // a hole has no point
    low = Math.min(-1.4, ...known),
    high = Math.max(1.4, ...known);
  const x = (step) => 4 + (step / Math.max(1, task.steps - 1)) * (WIDTH - 8);
  const y = (value) => {
    const inside = Math.min(high + 0.5, Math.max(low - 0.5, value));
    return 4 + ((high - inside) / (high - low)) * (CURVE_HEIGHT - 8);
  };
  const r = Math.min(3, 120 / task.steps);
  const points = wanted.flatMap((value, step) =>
    Number.isFinite(value)
      ? [svg("circle", { class: "wanted", cx: x(step), cy: y(value), r })]
      : [],
  );
  const lines = [...outputs].map(([kind, output]) => {
    const corners = Array.from(
      output,
      (value, step) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`,
    );
    return svg("polyline", { class: "said", data: { network: kind }, points: corners.join(" ") });
  });
  return el(
    "div",
    {},
    svg("svg", { viewBox: `0 0 ${WIDTH} ${CURVE_HEIGHT}`, class: "answer-picture" }, points, lines),
    el("p", { class: "hint" }, t("train.asks.curve")),
  );
}
