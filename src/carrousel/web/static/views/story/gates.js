// @ts-check
/** Three gates, not four: each is a door under the hand; the candidate is what may pass. */

import { keepInAddress } from "../../address.js";
import { el, svg } from "../../components/dom.js";
import { formula } from "../../components/formula.js";
import { slider } from "../../components/slider.js";
import { number, t } from "../../i18n.js";
import { question } from "./parts.js";

const GATES = ["forget", "input", "output"];
const RANGES = {
  memory: { min: -2, max: 2 },
  forget: { min: 0, max: 1 },
  input: { min: 0, max: 1 },
  candidate: { min: -1, max: 1 },
  output: { min: 0, max: 1 },
};
const ROLES = { memory: "cell" };
const settings = keepInAddress(
  "gates",
  { memory: 1.5, forget: 0.9, input: 0.2, candidate: -0.8, output: 0.5 },
  RANGES,
);

/** One step of an LSTM's unit. @param {typeof settings} at */
export function unitStep({ memory, forget, input, candidate, output }) {
  const [kept, added] = [forget * memory, input * candidate];
  const cell = kept + added;
  return { kept, added, cell, hidden: output * Math.tanh(cell) };
}

export function gatesChapter() {
  const picture = svg("svg", { class: "story-line", role: "img", viewBox: "0 0 500 254" });
  const sums = el("div", { class: "story-sums", role: "status" });
  const sliders = Object.entries(RANGES).map(([name, { min, max }]) =>
    el(
      "div",
      { data: { gate: ROLES[name] ?? name } },
      slider({
        id: `story-${name}`,
        label: t(`story.gates-${name}`),
        min,
        max,
        step: 0.05,
        value: settings[name],
        show: (value) => number(value, 2),
        onchange: (value) => {
          settings[name] = value;
          draw();
        },
      }).element,
    ),
  );

  function draw() {
    const found = unitStep(settings);
    picture.setAttribute(
      "aria-label",
      t("story.gates-label", ...GATES.map((name) => number(settings[name], 2))),
    );
    picture.replaceChildren(...line(found));
    const n = (value) => number(value, 2);
    const signed = (value) => (value < 0 ? `(${n(value)})` : n(value));
    sums.replaceChildren(
      sum(
        "c′ = f · c + i · g",
        `${n(settings.forget)} × ${signed(settings.memory)} + ${n(settings.input)} × ${signed(settings.candidate)}`,
        found.cell,
        "cell",
      ),
      sum(
        "h = o · tanh(c′)",
        `${n(settings.output)} × ${signed(Math.tanh(found.cell))}`,
        found.hidden,
        "hidden",
      ),
    );
  }

  draw();
  return {
    element: el(
      "div",
      { class: "story-body" },
      question("gates", 1),
      picture,
      el("div", { class: "story-controls" }, sliders),
      sums,
      el("p", {}, el("a", { href: "#cell" }, t("story.gates-door"))),
    ),
  };
}

const sum = (name, text, value, role) =>
  el(
    "p",
    { data: { gate: role } },
    formula(name),
    el("span", { class: "number" }, ` = ${text} = `),
    el("b", { class: "number", data: { sum: role } }, number(value, 3)),
  );

/** The memory's line from left to right, the doors on it, and what comes in and goes out. */
function line({ kept, added, cell, hidden }) {
  const n = (value) => number(value, 2);
  return [
    wire("cell", "M10,70 H490"),
    wire("candidate", "M240,225 V70"),
    wire("output", "M410,70 V212"),
    value(44, 54, `c ${n(settings.memory)}`),
    door("forget", 118, 70, true),
    value(182, 54, n(kept)),
    plus(240, 70),
    value(240, 245, `g ${n(settings.candidate)}`),
    door("input", 240, 158, false),
    value(278, 112, n(added)),
    value(330, 54, `c′ ${n(cell)}`),
    svg("rect", { class: "story-tanh", x: 382, y: 94, width: 56, height: 26, rx: 13 }),
    value(410, 113, "tanh"),
    door("output", 410, 164, false),
    value(410, 234, `h ${n(hidden)}`),
  ].flat();
}

const wire = (gate, d) => svg("path", { class: "way-wire", data: { gate }, d });
const value = (x, y, text) =>
  svg("text", { x, y, "text-anchor": "middle", class: "story-value" }, text);
const plus = (x, y) => [
  svg("circle", { class: "story-plus", cx: x, cy: y, r: 14 }),
  svg("text", { x, y: y + 6, "text-anchor": "middle", class: "story-sign" }, "+"),
];

/** A door in a wire: two leaves, as far apart as it is open. */
function door(name, x, y, across) {
  const half = 26;
  const leaf = half * (1 - settings[name]);
  const rect = (from) =>
    across
      ? { x: x - 5, y: from < 0 ? y - half : y + half - leaf, width: 10, height: leaf }
      : { x: from < 0 ? x - half : x + half - leaf, y: y - 5, width: leaf, height: 10 };
  const posts = across
    ? { x: x - 8, y: y - half - 3, width: 16, height: 2 * half + 6 }
    : { x: x - half - 3, y: y - 8, width: 2 * half + 6, height: 16 };
  const [left, top] = across ? [x, y + half + 22] : [x - half - 10, y + 6];
  return svg(
    "g",
    { data: { gate: name, door: name } },
    svg("rect", { class: "story-posts", ...posts, rx: 4 }),
    svg("rect", { class: "story-leaf", ...rect(-1) }),
    svg("rect", { class: "story-leaf", ...rect(1) }),
    svg(
      "text",
      { x: left, y: top, "text-anchor": across ? "middle" : "end", class: "story-value" },
      `${name[0]} ${number(settings[name], 2)}`,
    ),
  );
}
