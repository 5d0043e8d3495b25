// @ts-check
/** Below a series: one column for each step, what an answer owes to it; survival as a line. */

import { number, t } from "../i18n.js";
import { el, svg } from "./dom.js";

export function stepBars({ onpick }) {
  const box = el("div", { class: "step-bars" });
  const legend = el(
    "div",
    { class: "legend" },
    el("span", {}, el("i", { class: "key occlusion-key" }), t("kept.occlusion")),
    el("span", {}, el("i", { class: "key ledger-key" }), t("kept.ledger")),
    el("span", {}, el("i", { class: "key survival-key" }), t("kept.survival")),
  );

  /** `share`: the part of the width that the history takes; the rest is the forecast's. */
  function draw({ occlusion, ledger, survival, labels, left, right, share }) {
    const width = box.clientWidth;
    const height = box.clientHeight;
    if (!width) return;
    const column = ((width - left - right) * share) / labels.length;
    const x = (k) => left + k * column;
    const most = { occlusion: largest(occlusion), ledger: largest(ledger ?? [0]) };
    const y = (value, name) => height / 2 - (value / most[name]) * (height / 2 - 4);
    const bar = (name, k, value, from, part) =>
      svg(
        "rect",
        {
          x: x(k) + from * column,
          width: part * column,
          y: Math.min(y(value, name), height / 2),
          height: Math.max(Math.abs(y(value, name) - height / 2), 0.8),
          class: `${name}-bar`,
        },
        svg("title", {}, `${labels[k]}: ${number(value, 2)}`),
      );
    const parts = [
      svg("line", {
        x1: left,
        x2: x(labels.length),
        y1: height / 2,
        y2: height / 2,
        class: "grid",
      }),
    ];
    labels.forEach((_, k) => {
      if (Number.isFinite(occlusion[k])) parts.push(bar("occlusion", k, occlusion[k], 0.14, 0.36));
      if (ledger) parts.push(bar("ledger", k, ledger[k], 0.5, 0.36));
    });
    if (survival) {
      const path = Array.from(
        survival,
        (value, k) => `${x(k + 0.5)} ${height - 4 - value * (height - 8)}`,
      );
      parts.push(svg("path", { d: `M${path.join("L")}`, class: "survival-line", fill: "none" }));
    }
    const picture = svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("forecast.owes") },
      parts,
    );
    picture.addEventListener("click", (event) => {
      const k = Math.floor((event.clientX - picture.getBoundingClientRect().left - left) / column);
      if (k >= 0 && k < labels.length) onpick(k);
    });
    box.replaceChildren(picture);
  }
  return { element: el("div", {}, box, legend), draw };
}

const largest = (values) =>
  Math.max(1e-9, ...Array.from(values).filter(Number.isFinite).map(Math.abs));
