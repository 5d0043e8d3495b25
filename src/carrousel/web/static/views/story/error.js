// @ts-check
/** What an error is, and how w := w − α ∇ lowers it: one weight, a curve, a ball. */

import { keepInAddress } from "../../address.js";
import { tableBehind } from "../../components/data-table.js";
import { el, svg } from "../../components/dom.js";
import { formula } from "../../components/formula.js";
import { slider } from "../../components/slider.js";
import { number, percent, t } from "../../i18n.js";
import { BEST, errorOf, leftBy, POINTS, slopeOf, stepFrom } from "../../net/descent.js";
import { calm } from "../cell/flow.js";

const RANGE = { min: -1, max: 4 }; // of the weight
const RATES = { min: 0.01, max: 0.6 };
const SEEN = { min: RANGE.min - 0.2, max: RANGE.max + 0.2 }; // of the curve
const START = 3.5;
const SIZE = { width: 360, height: 230, pad: 34 };
const MOST = errorOf(RANGE.min); // of the curve that is shown
const STEPS = 12; // of one run
const EVERY = 420; // milliseconds between them
const ROLL = 260; // milliseconds in which the ball rolls
const settings = keepInAddress(
  "descent",
  { weight: START, rate: 0.1 },
  { weight: RANGE, rate: RATES },
);

export function errorChapter() {
  /** @type {number[]} weights that were left behind */
  let past = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let running;
  let frame = 0;
  const points = svg("svg", { class: "story-plot", role: "img" });
  const curve = svg("svg", { class: "story-plot", role: "img" });
  const sum = el("p", { class: "story-sum number", role: "status" });
  const verdict = el("p", { class: "story-says" });
  const clamped = (w) => Math.min(SEEN.max, Math.max(SEEN.min, w));
  const weight = slider({
    id: "story-weight",
    label: t("story.error-weight"),
    ...RANGE,
    step: 0.05,
    value: settings.weight,
    show: (value) => number(value, 2),
    onchange: (value) => {
      stop();
      past = [];
      settings.weight = value;
      draw(value);
    },
  });
  const rate = slider({
    id: "story-rate",
    label: t("story.error-rate"),
    ...RATES,
    step: 0.01,
    value: settings.rate,
    show: (value) => number(value, 2),
    onchange: (value) => {
      settings.rate = value;
      draw(settings.weight);
    },
  });
  const table = tableBehind(t("story.error-curve"), () => ({
    columns: [t("story.error-weight"), t("story.error-error"), "∇"],
    rows: [...past, settings.weight].map((w) => [
      number(w, 3),
      number(errorOf(w), 3),
      number(slopeOf(w), 3),
    ]),
  }));

  function step() {
    const from = settings.weight;
    const to = stepFrom(from, settings.rate);
    if (!(Math.abs(to) < 1e6)) return stop();
    past.push(from);
    settings.weight = to;
    weight.set(to);
    roll(from, to);
  }

  /** The ball goes along the curve; it jumps where less motion is asked for. */
  function roll(from, to) {
    cancelAnimationFrame(frame);
    if (calm()) return draw(to);
    const start = performance.now();
    const tick = (now) => {
      const share = Math.min(1, Math.max(0, (now - start) / ROLL));
      draw(from + (to - from) * share * (2 - share), share === 1);
      if (share < 1) frame = requestAnimationFrame(tick);
    };
    tick(start);
  }

  function run() {
    stop();
    let left = STEPS;
    running = setInterval(() => (left-- > 0 ? step() : stop()), EVERY);
    step();
  }

  const stop = () => {
    clearInterval(running);
    cancelAnimationFrame(frame);
  };

  function again() {
    stop();
    past = [];
    settings.weight = START;
    weight.set(START);
    draw(START);
  }

  /** @param {number} w where the ball is @param {boolean} [still] whether it lies there */
  function draw(w, still = true) {
    drawPoints(points, w);
    drawCurve(curve, clamped(w), past.map(clamped));
    if (!still) return;
    const [slope, next] = [slopeOf(w), stepFrom(w, settings.rate)];
    sum.textContent = t(
      "story.error-sum",
      ...[w, settings.rate].map((value) => number(value, 2)),
      slope < 0 ? `(${number(slope, 2)})` : number(slope, 2),
      number(next, 2),
    );
    verdict.textContent = verdictOf(settings.rate);
    table.draw();
  }

  draw(settings.weight);
  return {
    element: el(
      "div",
      { class: "story-body" },
      el(
        "div",
        { class: "story-pair" },
        plot("story.error-points", points),
        plot("story.error-curve", curve),
      ),
      el("div", { class: "story-formula" }, formula("w ≔ w − α · ∇"), sum),
      el(
        "div",
        { class: "story-controls" },
        weight.element,
        rate.element,
        el(
          "div",
          { class: "toolbar" },
          el(
            "button",
            { id: "story-step", class: "primary", onclick: () => (stop(), step()) },
            t("story.error-step"),
          ),
          el("button", { id: "story-run", onclick: run }, t("story.error-run")),
          el("button", { id: "story-again", onclick: again }, t("story.error-again")),
        ),
      ),
      verdict,
      table.element,
    ),
    destroy: stop,
  };
}

/** @param {number} left of the distance to the lowest point */
function nameOf(left) {
  if (left > 0.02) return "nears";
  if (left >= -0.02) return "lands";
  if (left > -0.98) return "jumps";
  return left >= -1.02 ? "swings" : "explodes";
}

/** What a step does, whatever the weight. @param {number} rate */
function verdictOf(rate) {
  const left = leftBy(rate);
  return t(`story.error-${nameOf(left)}`, percent(Math.abs(left)));
}

const plot = (name, picture) => el("figure", {}, el("figcaption", {}, t(name)), picture);

/** Two axes and what is between them. */
function axes(picture, label, [low, high], [bottom, top], names) {
  const { width, height, pad } = SIZE;
  const x = (value) => pad + ((value - low) / (high - low)) * (width - pad - 8);
  const y = (value) => height - pad + ((value - bottom) / (top - bottom)) * (12 - height + pad);
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("aria-label", label);
  const lines = [
    svg("line", {
      class: "grid zero",
      x1: pad,
      x2: width - 8,
      y1: y(Math.max(0, bottom)),
      y2: y(Math.max(0, bottom)),
    }),
    svg("line", {
      class: "grid zero",
      x1: x(Math.max(0, low)),
      x2: x(Math.max(0, low)),
      y1: 12,
      y2: height - pad,
    }),
    svg("text", { class: "tick", x: width - 8, y: height - 10, "text-anchor": "end" }, names[0]),
    svg("text", { class: "tick", x: 4, y: 12 }, names[1]),
  ];
  return { x, y, lines };
}

/** The points, the line w x, and between them the errors. */
function drawPoints(picture, w) {
  const label = t("story.error-points-label", number(w, 2), number(errorOf(w), 2));
  const { x, y, lines } = axes(picture, label, [0, 2.3], [-2.4, 8], ["x", "y"]);
  const inside = (value) => Math.min(8, Math.max(-2.4, value));
  picture.replaceChildren(
    ...lines,
    ...POINTS.map(([u, v]) =>
      svg("line", { class: "story-miss", x1: x(u), x2: x(u), y1: y(v), y2: y(inside(w * u)) }),
    ),
    svg("line", { class: "story-fit", x1: x(0), y1: y(0), x2: x(2.3), y2: y(inside(w * 2.3)) }),
    ...POINTS.map(([u, v]) => svg("circle", { class: "story-point", cx: x(u), cy: y(v), r: 5 })),
  );
}

/** The error of every weight, the ball on it, its slope, and where it was. */
function drawCurve(picture, w, past) {
  const label = t("story.error-curve-label", number(w, 2), number(errorOf(w), 2), number(BEST, 2));
  const names = [t("story.error-weight"), t("story.error-error")];
  const { x, y, lines } = axes(picture, label, [SEEN.min, SEEN.max], [-0.6, MOST], names);
  const along = Array.from({ length: 53 }, (_, k) => SEEN.min + k * 0.104);
  const path = along.map((at) => `${x(at).toFixed(1)} ${y(errorOf(at)).toFixed(1)}`);
  const slope = slopeOf(w);
  const tangent = [w - 0.5, w + 0.5].map((at) => [x(at), y(errorOf(w) + slope * (at - w))]);
  picture.replaceChildren(
    ...lines,
    svg("path", { class: "story-curve", d: `M${path.join("L")}` }),
    svg("line", {
      class: "story-tangent",
      x1: tangent[0][0],
      y1: tangent[0][1],
      x2: tangent[1][0],
      y2: tangent[1][1],
    }),
    ...past.map((at) =>
      svg("circle", { class: "story-past", cx: x(at), cy: y(errorOf(at)), r: 4 }),
    ),
    svg("circle", {
      class: "story-ball",
      cx: x(w),
      cy: y(errorOf(w)) - 9,
      r: 9,
      data: { weight: w },
    }),
  );
}
