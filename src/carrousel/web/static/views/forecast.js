// @ts-check
/** View 6: a saved forecaster: series, intervals, forecasts of the past, and what each rests on. */

import { keepInAddress } from "../address.js";
import { askSeries } from "../asking.js";
import { scoreTable, tableBehind } from "../components/data-table.js";
import { el, oncePerFrame, withType } from "../components/dom.js";
import { mixture } from "../components/mixture.js";
import { seriesChart } from "../components/series-chart.js";
import { stepBars } from "../components/step-bars.js";
import { moveObservation, readForecast, readSeries, short, timesOf, upTo } from "../forecaster.js";
import { addTexts, number, percent, t } from "../i18n.js";
import { nameOf } from "../components/input-bar.js";
import { pastePanel } from "../components/paste.js";
import { sliced } from "../slices.js";
import texts from "../texts/forecast.js";
import keptTexts from "../texts/kept.js";

addTexts(texts);
addTexts(keptTexts);
export const id = "forecast";
const SETTLED = 80; // milliseconds without a change
const MARGIN = 46; // left of the charts, for their numbers
/** The step of the horizon that is asked about, from 1. */
const settings = keepInAddress("forecast", { ahead: 1 }, { ahead: { min: 1 } });

export function mount(root, store) {
  root.append(
    el(
      "div",
      { class: "view-head" },
      el("h2", {}, t("forecast.title")),
      el("p", { class: "hint" }, t("forecast.intro")),
    ),
  );
  if (store.state.model.meta.task === "forecast") return mountForecaster(root, store);
  root.append(el("div", { class: "panel" }, el("p", {}, t("forecast.none")))); // else the page had opened one
  return { destroy() {} };
}

function mountForecaster(root, store) {
  const { model } = store.state;
  const { shape } = model.meta;
  const aheadNow = () => Math.min(Math.round(settings.ahead), shape.h) - 1;
  const chart = seriesChart({
    label: t("forecast.chart"),
    ondrag: (at, value) =>
      store.set({ input: moveObservation(model, store.state.input, at, value) }),
  });
  const bars = stepBars({ onpick: (step) => store.set({ step }) });
  const paste = model.meta.trained ? null : pastePanel(store);
  const mix = shape.anchors.length ? mixture({ names: shape.anchors }) : null;
  const said = el("p", { class: "summary", id: "forecast-summary", "aria-live": "polite" });
  const ahead80 = tableBehind(t("forecast.table"), () => {
    const { input, record } = store.state;
    const { quantiles } = readForecast(model, input, record, record.T - 1);
    const times = timesOf(model, input);
    return {
      columns: ["time", "low", "median", "high"].map((name) => t(`forecast.table-${name}`)),
      rows: quantiles.map((row, k) => [
        short(times[input.end + k] ?? `+${k + 1}`),
        ...[3, 5, 7].map((q) => number(row[q], 1)),
      ]),
    };
  });
  const owed = tableBehind(t("forecast.owes"), () => ({
    columns: [
      t("kept.earlier"),
      ...["occlusion", "ledger", "survival"].map((name) => t(`kept.${name}`)),
    ],
    rows: store.state.input.labels.map((name, k) => [
      name,
      number(answered?.occlusion[k], 2),
      number(answered?.ledger?.[k], 2),
      percent(answered?.survival?.[k]),
    ]),
  }));
  /** @type {any} */
  let answered = null;
  const controls = toolbar(store, {
    onahead: (value) => {
      settings.ahead = value;
      redraw();
    },
  });
  root.append(
    el(
      "section",
      { class: "panel" },
      controls.element,
      chart.element,
      ahead80.element,
      said,
      el("h3", {}, t("forecast.owes")),
      el("p", { class: "hint" }, t("forecast.owes-means")),
      bars.element,
      owed.element,
    ),
    el(
      "div",
      { class: "forecast-below" },
      mix &&
        el(
          "section",
          { class: "panel" },
          el("h3", {}, t("forecast.mixture")),
          el("p", { class: "hint" }, t("forecast.mixture-means")),
          mix.element,
        ),
      el("section", { class: "panel" }, el("h3", {}, t("forecast.past")), backtest(model)),
      paste?.element,
    ),
  );

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let asking;
  let turn = 0; // counts questions: an old one's answer is dropped
  const redraw = oncePerFrame(() => draw());
  function draw() {
    const { input, record } = store.state;
    const ahead = aheadNow();
    const last = record.T - 1;
    const forecast = readForecast(model, input, record, last);
    const actual = Array.from(input.values.subarray(input.end, input.end + shape.h));
    const times = timesOf(model, input);
    const from = Math.max(input.first, 0);
    chart.draw({
      from,
      to: input.end,
      values: input.values,
      left: withType(MARGIN),
      right: 8,
      times,
      forecast: { at: input.end, quantiles: forecast.quantiles, actual },
      mark: input.end + ahead,
    });
    paste?.draw();
    mix?.draw(forecast.weights, ahead);
    controls.draw(input, times);
    ahead80.draw();
    clearTimeout(asking); // the network runs twice a step for this: not while a point is moving
    const mine = ++turn;
    asking = setTimeout(async () => {
      const work = askSeries(model, input, record, last, ahead);
      const answer = await sliced(work, () => mine !== turn);
      if (!answer || mine !== turn) return;
      answered = answer;
      owed.draw();
      bars.draw({
        ...answer,
        labels: input.labels,
        left: withType(MARGIN),
        right: 8,
        share: (input.end - from) / (input.end - from + shape.h),
      });
    }, SETTLED);
    summarize(said, forecast, actual, ahead, times[input.end + ahead]);
  }

  const leave = store.subscribe((_, changed) => {
    if (changed.has("record")) redraw();
  });
  const watcher = new ResizeObserver(redraw);
  watcher.observe(root);
  redraw();
  return {
    destroy() {
      leave();
      watcher.disconnect();
      redraw.cancel();
      turn++;
      clearTimeout(asking);
      chart.destroy();
    },
  };
}

function toolbar(store, { onahead }) {
  const { model } = store.state;
  const { h, patch: step, steps } = model.meta.shape;
  const series = el(
    "select",
    {
      id: "forecast-series",
      "aria-label": t("forecast.series"),
      onchange: () => store.set({ input: readSeries(model, series.selectedIndex) }),
    },
    model.meta.series.map((one) => el("option", {}, nameOf(one, store.state.lang))),
  );
  const origin = el("input", {
    type: "range",
    id: "origin",
    step,
    oninput: () => store.set({ input: upTo(model, store.state.input, Number(origin.value)) }),
  });
  const when = el("output", { for: "origin", class: "number" });
  const choice = el("input", {
    type: "range",
    id: "ahead",
    min: 1,
    max: h,
    value: Math.min(Math.round(settings.ahead), h),
    oninput: () => {
      choiceLabel.textContent = `+${choice.value}`;
      onahead(Number(choice.value));
    },
  });
  const choiceLabel = el("output", { for: "ahead", class: "number" }, `+${choice.value}`);
  const reset = el(
    "button",
    {
      id: "forecast-reset",
      onclick: () => store.set({ input: readSeries(model, store.state.input.index) }),
    },
    t("page.reset"),
  );
  const element = el(
    "div",
    { class: "toolbar" },
    el("label", { hidden: model.meta.series.length < 2 }, t("forecast.series"), series),
    el("label", {}, t("forecast.made"), origin, when),
    el("label", {}, t("forecast.ahead"), choice, choiceLabel),
    reset,
  );

  function draw(input, times) {
    series.selectedIndex = input.index;
    origin.max = input.values.length;
    origin.min = Math.min(
      input.values.length,
      (input.values.length % step) +
        Math.max(step * 2, Math.min(step * steps, input.values.length - h)),
    );
    origin.value = input.end;
    origin.disabled = Number(origin.min) >= Number(origin.max);
    when.textContent = short(times[input.end - 1] ?? "");
  }
  return { element, draw };
}

function summarize(root, forecast, actual, ahead, time) {
  const row = forecast.quantiles[ahead];
  const middle = row[(row.length - 1) / 2];
  const parts = [
    t("forecast.says", short(time ?? ""), number(middle, 1), number(row[3], 1), number(row[7], 1)),
  ];
  if (Number.isFinite(actual[ahead])) {
    const inside = actual[ahead] >= row[3] && actual[ahead] <= row[7];
    parts.push(" ", t(inside ? "forecast.inside" : "forecast.outside", number(actual[ahead], 1)));
  }
  root.replaceChildren(...parts);
}

/** Errors on windows of the past that the network had not seen, if the model brings them. */
function backtest(model) {
  const found = model.meta.backtest;
  if (!found) return el("p", { class: "hint" }, t("forecast.no-backtest"));
  const best = Math.min(...found.rows.map((row) => row.mae));
  return el(
    "div",
    {},
    el("p", { class: "hint" }, t("forecast.past-means", found.windows, found.h)),
    model.meta.trained && el("p", { class: "hint" }, t("forecast.rolled")),
    scoreTable(
      [
        el("span", { class: "visually-hidden" }, t("forecast.method")),
        t("forecast.mae"),
        t("forecast.coverage"),
      ],
      found.rows.map((row) => [
        t(`forecast.${row.name}`),
        number(row.mae, 1),
        row.coverage === null ? "–" : percent(row.coverage),
      ]),
      (row) => found.rows[row].mae === best,
    ),
  );
}
