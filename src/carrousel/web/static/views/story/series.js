// @ts-check
/** A forecaster's series, with the forecast that follows every point one moves. */

import { el, withType } from "../../components/dom.js";
import { seriesChart } from "../../components/series-chart.js";
import { moveObservation, readForecast, readSeries, timesOf } from "../../forecaster.js";
import { number, t } from "../../i18n.js";
import { modelOf } from "../../live.js";
import { forward } from "../../net/forward.js";
import { breath } from "../../slices.js";
import { knownModels } from "../../source.js";

const SHOWN = 60; // observations

/** @param {any} store */
export function seriesUse(store) {
  const box = el("div", { class: "story-live" });
  const said = el("p", { class: "story-says", role: "status" });
  let chart = null;
  const found = knownModels()
    .filter(({ task }) => task === "forecast")
    .at(-1);
  if (!found) box.append(el("p", { class: "hint" }, t("story.uses-none")));
  else
    Promise.all([modelOf(found.name), breath()]).then(([model]) => {
      const wanted = store.state.model === model ? store.state.input.index : 0;
      let input = readSeries(model, wanted);
      chart = seriesChart({
        label: t("story.uses-series"),
        ondrag: (at, value) => {
          input = moveObservation(model, input, at, value);
          draw();
        },
      });
      box.append(chart.element);
      requestAnimationFrame(draw);

      function draw() {
        const record = forward(model, input.x);
        const { quantiles } = readForecast(model, input, record, record.T - 1);
        chart.draw({
          from: Math.max(0, input.end - SHOWN),
          to: input.end,
          values: input.values,
          left: withType(46),
          right: 8,
          times: timesOf(model, input),
          forecast: { at: input.end, quantiles },
        });
        const [row] = quantiles;
        said.textContent = t("story.uses-series-says", ...[5, 3, 7].map((q) => number(row[q], 1)));
      }
    });
  return { element: el("div", {}, box, said), destroy: () => chart?.destroy() };
}
