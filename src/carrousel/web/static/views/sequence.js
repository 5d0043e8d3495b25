// @ts-check
/** View 2: what the network reads along time; gates and states of every unit as heat maps below. */

import { keepInAddress } from "../address.js";
import { el, oncePerFrame, svg, withType } from "../components/dom.js";
import { redraw as replace } from "../components/focus.js";
import { stepNames } from "../components/names.js";
import { stepButtons } from "../components/steps.js";
import { tableBehind } from "../components/data-table.js";
import { heatmap } from "../components/heatmap.js";
import { seriesChart } from "../components/series-chart.js";
import { moveObservation } from "../forecaster.js";
import { addTexts, number, t } from "../i18n.js";
import { halfLife, hasMemory } from "../memory.js";
import texts from "../texts/sequence.js";

addTexts(texts);
export const id = "sequence";
const SIGNED = new Set(["candidate", "cell", "hidden"]);
const LETTER = 9; // pixels that a letter of a word takes
const ORDERS = ["index", "half-life", "now"];
/** No order: the one in which most is seen. */
const settings = keepInAddress("sequence", { order: "" }, { order: { among: ORDERS } });
const orderOf = (layer) => {
  const named = settings.order || "half-life";
  return named === "half-life" && !hasMemory(layer) ? "index" : named;
};

export function mount(root, store) {
  const { state } = store;
  let unitOrder = [];
  const pick = (step, unit) => store.set({ step, unit, playing: false });
  const input = state.input.tokens ? wordRow(store) : seriesRow(store);
  const names = tracks(top(state));
  const maps = names.map((name) => ({
    name,
    map: heatmap({
      name: t(`sequence.${name}`),
      color: `--${name}`,
      signed: SIGNED.has(name),
      onpick: pick,
    }),
  }));
  const unitChart = el("div", { class: "unit-chart", id: "unit-chart" });
  const table = tableBehind(t("sequence.table"), () => {
    const layer = top(store.state);
    const unit = store.state.unit ?? unitOrder[0];
    const columns = tracks(layer);
    return {
      columns: [t("page.step-column"), ...columns.map((name) => t(`sequence.${name}`))],
      rows: stepNames(store.state.input).map((name, k) => [
        name,
        ...columns.map((one) => number(values(layer, one)[k * layer.H + unit], 3)),
      ]),
    };
  });
  const controls = toolbar(store, {
    onorder: (value) => {
      settings.order = value;
      redraw();
    },
    onlayer: (layer) => store.set({ layer }),
  });

  root.append(
    el(
      "div",
      { class: "view-head" },
      el("h2", {}, t("sequence.title")),
      el("p", { class: "hint" }, t("sequence.intro")),
    ),
    el(
      "div",
      { class: "panel sequence", id: "sequence" },
      controls,
      el(
        "div",
        { class: "tracks" },
        el(
          "div",
          { class: "track-name" },
          t(state.input.tokens ? "sequence.words" : "sequence.series"),
        ),
        input.element,
        maps.flatMap(({ name, map }) => [trackName(name), map.element]),
        el("div", { class: "track-name", id: "unit-name" }),
        unitChart,
      ),
      el("p", { class: "hint" }, t("sequence.reading")),
      table.element,
    ),
  );

  const redraw = oncePerFrame(draw);
  function draw() {
    const { step, unit } = store.state;
    const layer = top(store.state);
    unitOrder = sorted(layer, orderOf(layer), step);
    for (const { name, map } of maps) {
      map.draw({
        data: values(layer, name),
        T: layer.T,
        H: layer.H,
        order: unitOrder,
        step,
        unit,
        names: stepNames(store.state.input),
      });
    }
    input.draw();
    table.draw();
    drawUnit(unitChart, layer, unit ?? unitOrder[0], step, unit === null);
  }

  const leave = store.subscribe((_, changed) => {
    if (["step", "unit", "record", "layer"].some((name) => changed.has(name))) redraw();
  });
  const watcher = new ResizeObserver(redraw);
  watcher.observe(root);
  redraw();
  return {
    destroy() {
      leave();
      watcher.disconnect();
      redraw.cancel();
      input.destroy();
    },
  };
}

const top = ({ record, layer }) => record.layers[Math.min(layer ?? 0, record.layers.length - 1)];
const tracks = (layer) => [...orderedGates(layer), ...(layer.cell ? ["cell"] : []), "hidden"];
const values = (layer, name) => layer.gates[name] ?? layer[name];

function orderedGates(layer) {
  const order = ["forget", "input", "candidate", "output", "reset", "update"];
  return order.filter((name) => name in layer.gates);
}

function sorted(layer, by, step) {
  const units = Array.from({ length: layer.H }, (_, u) => u);
  if (by === "half-life") {
    const half = halfLife(layer);
    return units.sort((a, b) => half[b] - half[a] || a - b);
  }
  const state = layer.cell ?? layer.hidden;
  if (by === "now")
    return units.sort((a, b) => state[step * layer.H + b] - state[step * layer.H + a]);
  return units;
}

function trackName(name) {
  return el(
    "div",
    { class: "track-name", data: { gate: name } },
    el("span", { class: "swatch" }),
    t(`sequence.${name}`),
    el("small", {}, t(`sequence.${name}-does`)),
  );
}

function toolbar(store, { onorder, onlayer }) {
  const { record, layer } = store.state;
  const orders = ORDERS.filter((name) => name !== "half-life" || hasMemory(top(store.state)));
  return el(
    "div",
    { class: "toolbar" },
    el(
      "label",
      {},
      t("sequence.sort"),
      el(
        "select",
        { id: "sort-units", onchange: (event) => onorder(event.target.value) },
        orders.map((name) =>
          el(
            "option",
            { value: name, selected: name === orderOf(top(store.state)) },
            t(`sequence.by-${name}`),
          ),
        ),
      ),
    ),
    record.layers.length > 1 &&
      el(
        "label",
        {},
        t("sequence.layer"),
        el(
          "select",
          { id: "layer", onchange: (event) => onlayer(Number(event.target.value)) },
          record.layers.map((_, k) =>
            el("option", { value: k, selected: k === layer }, String(k + 1)),
          ),
        ),
      ),
    el(
      "span",
      { class: "legend scales" },
      el("span", {}, el("i", { class: "ramp gate-ramp" }), t("sequence.gate-scale")),
      el("span", {}, el("i", { class: "ramp signed-ramp" }), t("sequence.state-scale")),
    ),
  );
}

/** The words of a sentence, one button a step; upright where the columns are too narrow. */
function wordRow(store) {
  const row = el("div", { class: "word-row", data: { roving: "" } });
  function draw() {
    const { input, step } = store.state;
    const { tokens } = input;
    const names = stepNames(input);
    const longest = Math.max(...names.map((name) => name.length));
    row.classList.toggle("upright", row.clientWidth / tokens.length < longest * withType(LETTER));
    row.style.setProperty("--steps", tokens.length);
    replace(
      row,
      ...stepButtons(store, names, step, (k) => ({
        class: tokens[k].known ? "word" : "word unknown",
        title: names[k],
      })),
    );
  }
  return { element: row, draw, destroy() {} };
}

/** The observations that the network reads, above the columns of their steps. */
function seriesRow(store) {
  const chart = seriesChart({
    label: t("sequence.series"),
    ondrag: (at, value) => {
      const { model, input } = store.state;
      store.set({ input: moveObservation(model, input, at, value) });
    },
  });
  chart.element.classList.add("aligned");
  function draw() {
    const { input, model, step } = store.state;
    const { patch: size } = model.meta.shape;
    const from = input.first + step * size;
    chart.draw({
      from: input.first,
      to: input.end,
      values: input.values,
      left: 0,
      right: 0,
      times: model.meta.series[input.index].times,
      band: { from, to: from + size },
    });
  }
  return { element: chart.element, draw, destroy: chart.destroy };
}

/** One unit along time: its gates (0 to 1) and its state. */
function drawUnit(root, layer, unit, step, suggested) {
  const width = root.clientWidth;
  const height = root.clientHeight;
  if (!width) return;
  const x = (k) => ((k + 0.5) / layer.T) * width;
  const y = (value) => height / 2 - value * (height / 2 - 6);
  const names = tracks(layer);
  const lines = names.map((name) => {
    const line = column(layer, name, unit);
    const scale = SIGNED.has(name) ? Math.max(1, ...line.map(Math.abs)) : 1;
    const path = line.map((value, k) => `${x(k).toFixed(1)} ${y(value / scale).toFixed(1)}`);
    return svg("path", {
      d: `M${path.join("L")}`,
      class: "unit-line",
      stroke: `var(--${name})`,
      fill: "none",
      "stroke-width": name === "cell" ? 3 : 1.7,
    });
  });
  root.replaceChildren(
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("sequence.unit", unit) },
      svg("line", { x1: 0, x2: width, y1: y(0), y2: y(0), class: "grid" }),
      svg("line", { x1: 0, x2: width, y1: y(1), y2: y(1), class: "grid faint" }),
      svg("line", { x1: x(step), x2: x(step), y1: 0, y2: height, class: "now" }),
      ...lines,
    ),
  );
  const half = hasMemory(layer) ? halfLife(layer)[unit] : NaN;
  document
    .getElementById("unit-name")
    .replaceChildren(
      t("sequence.unit", unit),
      el(
        "small",
        {},
        hasMemory(layer) ? t("sequence.half", number(half, 1)) : "",
        suggested ? el("br") : "",
        suggested ? t("sequence.pick") : "",
      ),
    );
}

function column(layer, name, unit) {
  const data = values(layer, name);
  return Array.from({ length: layer.T }, (_, k) => data[k * layer.H + unit]);
}
