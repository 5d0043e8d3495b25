// @ts-check
// The gates of each network on the example: a row a unit, a column a step.

import { color, el, rgb } from "../../components/dom.js";
import { t } from "../../i18n.js";
import { GATES } from "./networks.js";

/** @param {string[]} kinds */
export function gateMaps(kinds) {
  const maps = kinds.flatMap((kind) =>
    GATES[kind].map((gate) => ({
      kind,
      gate,
      canvas: el("canvas", { class: "gate-map", role: "img" }),
    })),
  );
  const element = el(
    "div",
    { class: "gate-maps" },
    maps.map(({ kind, gate, canvas }) =>
      el(
        "figure",
        { data: { gate } },
        el(
          "figcaption",
          {},
          el("span", { class: "swatch" }),
          `${kind.toUpperCase()} · ${t(`train.gate.${gate}`)}`,
        ),
        canvas,
      ),
    ),
  );

  /** @param {string} kind @param {import("../../net/forward.js").LayerRecord} record */
  function draw(kind, record) {
    for (const map of maps) if (map.kind === kind) paint(map.canvas, record, map.gate);
  }

  return { element, draw, count: maps.length };
}

/** One pixel a number; the style sheet enlarges it.
 * @param {HTMLCanvasElement} canvas
 * @param {import("../../net/forward.js").LayerRecord} record @param {string} gate */
function paint(canvas, { gates, T, H }, gate) {
  const image = new ImageData(T, H),
    values = gates[gate];
  const from = rgb(color("--zero")),
    to = rgb(color(`--${gate}`));
  let sum = 0;
  for (let step = 0; step < T; step++) {
    for (let unit = 0; unit < H; unit++) {
      const value = values[step * H + unit],
        at = 4 * (unit * T + step);
      sum += value;
      for (let part = 0; part < 3; part++)
        image.data[at + part] = from[part] + (to[part] - from[part]) * value;
      image.data[at + 3] = 255;
    }
  }
  if (canvas.width !== T || canvas.height !== H) [canvas.width, canvas.height] = [T, H];
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.setAttribute(
    "aria-label",
    t("train.gateLabel", t(`train.gate.${gate}`), (sum / values.length).toFixed(2)),
  );
}
