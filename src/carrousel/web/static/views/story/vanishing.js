// @ts-check
/** The vanishing gradient: an RNN beside an LSTM whose forget gate the reader opens. */

import { keepInAddress } from "../../address.js";
import { tableBehind } from "../../components/data-table.js";
import { el, oncePerFrame } from "../../components/dom.js";
import { slider } from "../../components/slider.js";
import { number, t } from "../../i18n.js";
import { CELLS, sigmoid, TAUGHT } from "../../net/cells.js";
import { errorFlow, fateOf } from "../../net/error-flow.js";
import { chart } from "../gradient/chart.js";
import { scientific } from "../gradient/lane.js";
import { question } from "./parts.js";

const STEPS = 50;
/** A cell that rewrites its state, and one with a second state beside it. */
const SHOWN = TAUGHT.filter((kind) => CELLS[kind].keeps === null || CELLS[kind].hasCell);
const HEIGHT = 250;
const RANGE = { min: 0, max: 6 }; // of the bias
/** At first as torch draws an LSTM: no bias of the forget gate. */
const settings = keepInAddress("vanishing", { bias: 0 }, { bias: RANGE });

/** @param {number} forgetBias */
export const flowsOf = (forgetBias) =>
  Object.fromEntries(
    SHOWN.map((kind) => [kind, errorFlow({ kind, steps: STEPS, scale: 1, forgetBias })]),
  );

export function vanishingChapter() {
  /** @type {ReturnType<typeof flowsOf> | null} computed when it is first drawn */
  let flows = null;
  const picture = chart();
  const box = el("div", { class: "story-chart" }, picture.element);
  const said = el("p", { class: "story-says", role: "status", id: "story-gradient" });
  const redraw = oncePerFrame(draw);
  const bias = slider({
    id: "story-bias",
    label: t("story.vanishing-bias"),
    ...RANGE,
    step: 0.1,
    value: settings.bias,
    show: (value) => `${number(value, 1)} → ${number(sigmoid(value), 3)}`,
    onchange: (value) => {
      settings.bias = value;
      flows = null;
      redraw();
    },
  });
  const table = tableBehind(t("gradient.chart"), () => ({
    columns: [t("page.step-column"), ...SHOWN.map((kind) => kind.toUpperCase())],
    rows: Array.from((flows ??= flowsOf(settings.bias)).rnn.norms, (_, step) => [
      step,
      ...SHOWN.map((kind) => scientific(flows[kind].norms[step])),
    ]),
  }));

  function draw() {
    const width = box.clientWidth;
    if (width < 50) return;
    flows ??= flowsOf(settings.bias);
    picture.draw(flows, STEPS, { width, height: HEIGHT, from: 0 });
    const [rnn, lstm] = SHOWN.map((kind) => flows[kind].norms[0]);
    const gate = sigmoid(settings.bias);
    said.textContent = [
      t("story.vanishing-left", scientific(rnn), scientific(lstm)),
      t("story.vanishing-power", number(gate, 3), STEPS, scientific(gate ** STEPS)),
      t(
        `story.vanishing-${["vanishes", "fades"].includes(fateOf(lstm, STEPS).name) ? "shut" : "open"}`,
      ),
    ].join(" ");
    said.dataset.left = String(lstm);
    table.draw();
  }

  const watcher = new ResizeObserver(redraw);
  watcher.observe(box);
  return {
    element: el(
      "div",
      { class: "story-body" },
      question("vanishing", 2),
      el(
        "div",
        { class: "legend" },
        SHOWN.map((kind) =>
          el(
            "span",
            { data: { network: kind } },
            el("span", { class: "swatch" }),
            kind.toUpperCase(),
          ),
        ),
      ),
      box,
      el("div", { class: "story-controls" }, bias.element),
      said,
      table.element,
      el("p", {}, el("a", { href: "#gradient" }, t("story.vanishing-door"))),
    ),
    destroy() {
      redraw.cancel();
      watcher.disconnect();
    },
  };
}
