// @ts-check
/**
 * Below a series: one pair of columns for each step, what an answer loses without it and what it
 * owes to it, both in the unit of the series and to one scale; the share that is still there has an
 * axis of its own below.
 */

import { number, percent, t } from "../i18n.js";
import { el, svg } from "./dom.js";
import { digitsOf, largestOf, ticks, valueLine } from "./scales.js";

const SHARE = 44; // pixels of the lower chart
const PAD = 6;

/** Heights of the upper chart: one scale for all that is in the unit of the series.
 * @param {{occlusion: ArrayLike<number>, ledger: ArrayLike<number> | null}} answer
 * @param {number} height */
export function barScale({ occlusion, ledger }, height) {
  const most = largestOf(Array.from(occlusion), ledger && Array.from(ledger));
  return { most, y: (value) => height / 2 - (value / most) * (height / 2 - PAD) };
}

export function stepBars({ onpick }) {
  const box = el("div", { class: "step-bars" });
  const key = (name) => el("span", {}, el("i", { class: `key ${name}-key` }), t(`kept.${name}`));
  const legend = el("div", { class: "legend" }, ["occlusion", "ledger", "survival"].map(key));

  /** `share`: the part of the width that the history takes; the rest is the forecast's. */
  function draw(shown) {
    const { labels, left, right, share, survival } = shown;
    const width = box.clientWidth;
    if (!width) return;
    const height = box.clientHeight - (survival ? SHARE : 0);
    const column = ((width - left - right) * share) / labels.length;
    const x = (k) => left + k * column;
    const picture = svg(
      "svg",
      {
        viewBox: `0 0 ${width} ${box.clientHeight}`,
        role: "img",
        "aria-label": t("forecast.owes"),
      },
      columns(shown, { x, column, left, height }),
      survival && shares(survival, { x, left, from: height, end: x(labels.length) }),
    );
    picture.addEventListener("click", (event) => {
      const k = Math.floor((event.clientX - picture.getBoundingClientRect().left - left) / column);
      if (k >= 0 && k < labels.length) onpick(k);
    });
    box.replaceChildren(picture);
  }
  return { element: el("div", {}, box, legend), draw };
}

function columns({ occlusion, ledger, labels }, { x, column, left, height }) {
  const { most, y } = barScale({ occlusion, ledger }, height);
  const marks = ticks(-most, most).filter((value) => Math.abs(y(value) - y(0)) > 9 || value === 0);
  const bar = (name, k, value, from) =>
    Number.isFinite(value)
      ? svg(
          "rect",
          {
            x: x(k) + from * column,
            width: 0.36 * column,
            y: Math.min(y(value), y(0)),
            height: Math.max(Math.abs(y(value) - y(0)), 0.8),
            class: `${name}-bar`,
            data: { value },
          },
          svg("title", {}, `${labels[k]}: ${number(value, digitsOf(most))}`),
        )
      : null;
  return [
    marks.flatMap((value) =>
      valueLine(
        y(value),
        number(value, digitsOf(most)),
        left,
        x(labels.length),
        value ? "grid" : "grid zero",
      ),
    ),
    labels.map((_, k) => [
      bar("occlusion", k, occlusion[k], 0.14),
      ledger && bar("ledger", k, ledger[k], 0.5),
    ]),
  ].flat(2);
}

/** From 0 to 100 %, on an axis of its own. */
function shares(survival, { x, left, from, end }) {
  const y = (value) => from + SHARE - PAD - value * (SHARE - 3 * PAD);
  const path = Array.from(survival, (value, k) => `${x(k + 0.5)} ${y(value)}`);
  return [
    ...valueLine(y(0), percent(0), left, end, "grid zero"),
    ...valueLine(y(1), percent(1), left, end),
    svg("path", { d: `M${path.join("L")}`, class: "survival-line", fill: "none" }),
  ];
}
