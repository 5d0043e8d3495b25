// @ts-check
/** The cell: alone, with the loop that hands its state to itself, or unrolled along time. */

import { svg } from "../../components/dom.js";
import { stepNames } from "../../components/names.js";
import { t } from "../../i18n.js";

const LATEST = 4; // steps of the unrolled picture, besides the first dots
const SIZE = { width: 300, height: 150 };

/** @param {{state: any, step: number, mode: string}} what */
export function cellPicture({ state, step, mode }) {
  const label = t(`way.${mode}-picture`);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${SIZE.width} ${SIZE.height}`,
      role: "img",
      "aria-label": label,
      class: `way-cell ${mode}`,
    },
    mode === "unrolled" ? unrolled(state, step) : one(state, mode === "loop"),
  );
}

function one({ model }, loop) {
  const [x, y] = [SIZE.width / 2, 92];
  return [
    arrow([x, 148], [x, y + 26], "series"),
    arrow([x, y - 26], [x, 8], "hidden"),
    box(x, y, loop ? model.kind.toUpperCase() : "ANN", 88, 52),
    loop &&
      svg(
        "g",
        { data: { gate: "hidden" } },
        svg("path", {
          class: "way-loop",
          d: `M${x + 44},${y - 8} h34 a18,18 0 0 0 18,-18 v-22 a18,18 0 0 0 -18,-18 h-156 a18,18 0 0 0 -18,18 v22 a18,18 0 0 0 18,18 h22`,
        }),
        head(x - 44, y - 8, 1, 0),
        svg("text", { x: x + 104, y: y - 34, class: "way-name" }, "h"),
      ),
    svg("text", { x: x + 10, y: 144, class: "way-name" }, "x"),
  ].filter(Boolean);
}

function unrolled({ model, input }, step) {
  const names = stepNames(input);
  const first = Math.max(0, step + 1 - LATEST);
  const count = step + 1 - first;
  const column = SIZE.width / (count + 0.4);
  const y = 74;
  return names.slice(first, step + 1).flatMap((name, k) => {
    const x = (k + 0.7) * column;
    const half = Math.min(30, column * 0.3);
    return [
      k > 0 || first > 0 ? arrow([x - column + half, y], [x - half, y], "hidden") : null,
      arrow([x, 122], [x, y + 22], "series"),
      box(x, y, model.kind.toUpperCase(), 2 * half, 44),
      first + k === step ? arrow([x, y - 22], [x, 10], "hidden") : null,
      svg(
        "text",
        { x, y: 140, class: "way-token", "text-anchor": "middle" },
        clipped(name, column),
      ),
    ].filter(Boolean);
  });
}

const clipped = (name, column) => {
  const most = Math.max(3, Math.floor(column / 7.4));
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
};

function box(x, y, name, width, height) {
  return svg(
    "g",
    { class: "way-box" },
    svg("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 9 }),
    svg("text", { x, y: y + 5, "text-anchor": "middle", class: width < 50 ? "tight" : "" }, name),
  );
}

/** @param {number[]} from @param {number[]} to @param {string} gate */
function arrow(from, to, gate) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const [dx, dy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  return svg(
    "g",
    { data: { gate } },
    svg("path", { class: "way-wire", d: `M${from}L${to[0] - 6 * dx},${to[1] - 6 * dy}` }),
    head(to[0], to[1], dx, dy),
  );
}

function head(x, y, dx, dy) {
  const [a, b] = [x - 9 * dx, y - 9 * dy];
  return svg("path", {
    class: "way-head",
    d: `M${x},${y}L${a - 5 * dy},${b + 5 * dx}L${a + 5 * dy},${b - 5 * dx}Z`,
  });
}
