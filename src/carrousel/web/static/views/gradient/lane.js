// @ts-check
// One cell unrolled in time: how bright each step is shows how much of the error arrives there, and
// the arrow below it what the step adds to w := w − α·∇.

import { el, svg } from "../../components/dom.js";
import { number, t } from "../../i18n.js";
import { fateOf } from "../../net/error-flow.js";
import { MARGIN, power } from "./chart.js";

/** @typedef {import("../../net/error-flow.js").ErrorFlow} ErrorFlow */

const HEIGHT = 66,
  TOP = 2,
  SQUARE = 17,
  TALLEST = 40;
const FLOOR = TOP + SQUARE + 5; // where arrows begin
const DARK = 9; // powers of ten from full brightness to none

/** "3.2 × 10⁻⁵", "0.42". @param {number} value */
export function scientific(value) {
  if (!(value > 0) || !Number.isFinite(value)) return number(value, 2);
  const exponent = Math.floor(Math.log10(value));
  if (exponent >= -2 && exponent < 4) return number(value, exponent < 0 ? 3 : exponent < 2 ? 2 : 0);
  return `${number(value / 10 ** exponent, 1)} × ${power(exponent)}`;
}

/** @param {string} kind */
export function lane(kind) {
  const picture = svg("svg", { class: "lane-picture", role: "img" });
  const verdict = el("p", { class: "lane-verdict" });
  const element = el(
    "div",
    { class: "lane", data: { network: kind } },
    el("div", { class: "lane-name" }, el("strong", {}, kind.toUpperCase()), verdict),
    picture,
  );

  /**
   * @param {ErrorFlow} flow @param {number} T
   * @param {{width: number, from: number, rate: number, longest: number}} view longest: the update
   *   that the tallest arrow stands for
   */
  function draw(flow, T, { width, from, rate, longest }) {
    const x = (step) => MARGIN.left + (step / T) * (width - MARGIN.left - MARGIN.right);
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    picture.setAttribute("height", String(HEIGHT));
    const every = Math.max(1, Math.ceil(T / 50)),
      parts = [];
    for (let step = 1; step <= T; step++) {
      const reached = step >= from,
        size = Math.min(SQUARE, (x(1) - x(0)) * 0.82);
      parts.push(
        svg("rect", {
          class: "lane-step",
          x: x(step) - size,
          y: TOP + (SQUARE - size) / 2,
          width: size,
          height: size,
          rx: Math.min(4, size / 4),
          "fill-opacity": reached ? brightness(flow.norms[step]).toFixed(3) : "0",
        }),
      );
      if (reached && step % every === T % every) {
        parts.push(...arrow(x(step) - size / 2, rate * flow.shares[step - 1], longest));
      }
    }
    const floor = { x1: MARGIN.left, x2: width - MARGIN.right, y1: FLOOR, y2: FLOOR };
    picture.replaceChildren(svg("line", { class: "grid", ...floor }), ...parts);
    tell(flow, T, rate);
  }

  /** @param {ErrorFlow} flow @param {number} T @param {number} rate */
  function tell(flow, T, rate) {
    const left = flow.norms[0],
      { name, pace } = fateOf(left, T);
    picture.setAttribute(
      "aria-label",
      t("gradient.laneLabel", kind.toUpperCase(), scientific(left)),
    );
    verdict.replaceChildren(
      el("b", { class: name }, t(`gradient.${name}`)),
      el("span", { data: { left: String(left) } }, t("gradient.left", scientific(left))),
      el(
        "span",
        {},
        name === "arrives"
          ? t("gradient.noHalving")
          : t(left < 1 ? "gradient.halving" : "gradient.doubling", number(pace, 1)),
      ),
      el(
        "span",
        {},
        t(
          "gradient.moves",
          scientific(rate * flow.shares[T - 1]),
          scientific(rate * flow.shares[0]),
        ),
      ),
    );
  }

  return { element, draw };
}

/** 1 where all arrives, 0 where a part in a billion does. @param {number} value */
function brightness(value) {
  return Math.min(1, Math.max(0, 1 + Math.log10(Math.max(value, 1e-300)) / DARK));
}

/** To scale; what is taller than the lane ends in a wide head.
 * @param {number} x @param {number} size @param {number} longest */
function arrow(x, size, longest) {
  const whole = (size / longest) * TALLEST,
    tall = Math.min(TALLEST, whole),
    y = FLOOR;
  if (tall < 0.4) return [];
  const head = Math.min(4, tall / 2),
    wide = whole > TALLEST * 1.01 ? head * 1.8 : head;
  return [
    svg("path", {
      class: whole > TALLEST * 1.01 ? "update-arrow over" : "update-arrow",
      d: `M${x},${y}V${y + tall - head}M${x - wide},${y + tall - head}H${x + wide}L${x},${y + tall}Z`,
    }),
  ];
}
