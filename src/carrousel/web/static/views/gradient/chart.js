// @ts-check
// What arrives of the error at each step, on a log scale: three cells, one line each.

import { svg } from "../../components/dom.js";
import { valueLine } from "../../components/scales.js";
import { t } from "../../i18n.js";

/** @typedef {import("../../net/error-flow.js").ErrorFlow} ErrorFlow */

export const MARGIN = { left: 62, right: 16, top: 12, bottom: 34 };
const FLOOR = 1e-30;

/** "10⁻³". @param {number} exponent */
export function power(exponent) {
  const digits = [...String(Math.abs(exponent))]
    .map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])
    .join("");
  return exponent === 0 ? "1" : `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

export function chart() {
  const element = svg("svg", {
    class: "gradient-chart",
    role: "img",
    "aria-label": t("gradient.chart"),
  });
  /** @type {any} */
  let scales = null;

  /**
   * @param {Record<string, ErrorFlow>} flows @param {number} T
   * @param {{width: number, height: number, from: number}} view from: steps before it have not been reached
   */
  function draw(flows, T, { width, height, from }) {
    scales = scalesOf(flows, T, width, height);
    element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    element.setAttribute("height", String(height));
    element.replaceChildren(
      ...axes(scales, T),
      bound(flows.rnn, T, scales),
      ...Object.entries(flows).flatMap(([kind, flow]) => line(kind, flow, T, scales, from)),
    );
  }

  return {
    element,
    draw,
    get scales() {
      return scales;
    },
  };
}

/** @param {Record<string, ErrorFlow>} flows @param {number} T @param {number} width @param {number} height */
function scalesOf(flows, T, width, height) {
  const all = Object.values(flows)
    .flatMap(({ norms }) => [...norms])
    .filter(Number.isFinite);
  const low = Math.max(-16, Math.floor(Math.log10(Math.max(FLOOR, Math.min(...all)))) - 0.3);
  const high = Math.min(16, Math.max(0.6, Math.ceil(Math.log10(Math.max(...all))) + 0.3));
  const inner = height - MARGIN.top - MARGIN.bottom;
  const x = (step) => MARGIN.left + (step / T) * (width - MARGIN.left - MARGIN.right);
  const y = (value) => {
    const exponent = Math.min(high, Math.max(low, Math.log10(Math.max(FLOOR, value))));
    return MARGIN.top + ((high - exponent) / (high - low)) * inner;
  };
  return { x, y, low, high, width, height };
}

/** @param {any} scales @param {number} T */
function axes({ x, y, low, high, width, height }, T) {
  const every = high - low > 12 ? 4 : high - low > 6 ? 2 : 1,
    parts = [];
  for (let exponent = Math.ceil(low / every) * every; exponent <= high; exponent += every) {
    const name = exponent === 0 ? "grid one" : "grid";
    parts.push(
      ...valueLine(y(10 ** exponent), power(exponent), MARGIN.left, width - MARGIN.right, name),
    );
  }
  const jump = T > 60 ? 20 : T > 25 ? 10 : 5;
  for (let step = 0; step <= T; step += jump) {
    parts.push(
      svg(
        "text",
        { class: "tick", x: x(step), y: height - 14, "text-anchor": "middle" },
        String(step),
      ),
    );
  }
  parts.push(
    svg(
      "text",
      { class: "tick", x: x(T), y: height - 1, "text-anchor": "end" },
      t("gradient.axisEnd"),
    ),
    svg("text", { class: "tick", x: x(0), y: height - 1 }, t("gradient.axisStart")),
  );
  return parts;
}

/** The limit of the RNN's gradient: the product of its steps' own norms.
 * @param {ErrorFlow} flow @param {number} T @param {any} scales */
function bound({ limit }, T, { x, y, low, high }) {
  const points = [];
  for (let step = T; step >= 0; step--) {
    const exponent = Math.log10(limit[step]);
    if (exponent < low || exponent > high) break;
    points.push(`${x(step).toFixed(1)},${y(limit[step]).toFixed(1)}`);
  }
  return svg("polyline", { class: "bound", points: points.join(" ") });
}

/** @param {string} kind @param {ErrorFlow} flow @param {number} T @param {any} scales @param {number} from */
function line(kind, flow, T, { x, y }, from) {
  const points = [];
  for (let step = T; step >= Math.max(0, Math.floor(from)); step--) {
    points.push(`${x(step).toFixed(1)},${y(flow.norms[step]).toFixed(1)}`);
  }
  const parts = [
    svg("polyline", { class: "flow-line", data: { network: kind }, points: points.join(" ") }),
  ];
  if (from > 0) {
    const value = between(flow.norms, from);
    parts.push(
      svg("circle", { class: "front", data: { network: kind }, cx: x(from), cy: y(value), r: 7 }),
    );
  }
  return parts;
}

/** A value between two steps, on the log scale.
 * @param {Float64Array} norms @param {number} at */
export function between(norms, at) {
  const low = Math.floor(at),
    share = at - low,
    high = Math.min(low + 1, norms.length - 1);
  const log = (at) => Math.log(Math.max(FLOOR, norms[at]));
  return Math.exp((1 - share) * log(low) + share * log(high));
}
