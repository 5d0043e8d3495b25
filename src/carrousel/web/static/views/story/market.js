// @ts-check
/** A made-up market beside sales with a rhythm: what can be learned from the past, and what cannot. */

import { scoreTable } from "../../components/data-table.js";
import { el, svg } from "../../components/dom.js";
import { number, t } from "../../i18n.js";
import { random } from "../../net/random.js";
import { Session } from "../../net/session.js";
import { heldOf, series } from "../../net/tasks.js";
import { sliced } from "../../slices.js";
import { trainedModels } from "../../trained.js";

const LENGTH = 210;
const STEPS = 28;
const UPDATES = 120;
const RATE = 0.02;
const OPTIONS = { kinds: ["lstm"], hidden: 8, seed: 1, forgetBias: 1 };
const SIZE = { width: 300, height: 90 };

/** @param {number} seed */
export function marketOf(seed) {
  const draw = random(seed);
  let price = 100;
  return Array.from({ length: LENGTH }, () => (price *= Math.exp(0.012 * draw.normal())));
}

/** @param {number} seed */
export function salesOf(seed) {
  const draw = random(seed + 1000);
  const week = (k) =>
    30 * Math.sin((2 * Math.PI * k) / 7) + 12 * Math.sin((4 * Math.PI * k) / 7 + 1);
  return Array.from({ length: LENGTH }, (_, k) => 100 + week(k) + 4 * draw.normal());
}

const KINDS = { market: marketOf, sales: salesOf };

export function marketUse() {
  let seed = 1;
  let turn = 0;
  const charts = el("div", { class: "story-pair" });
  const table = el("div", { class: "story-scores" });
  const said = el("p", { class: "story-says", role: "status", id: "story-market" });

  async function learn() {
    const mine = ++turn;
    said.textContent = t("story.speech-learns");
    const rows = [];
    for (const [name, make] of Object.entries(KINDS)) {
      const found = await errors(make(seed), () => mine !== turn);
      if (!found || mine !== turn) return;
      rows.push({ name, ...found });
    }
    table.replaceChildren(
      scoreTable(
        [t("story.market-series"), t("forecast.carrousel"), t("forecast.naive")],
        rows.map(({ name, carrousel, naive }) => [
          t(`story.market-${name}`),
          number(carrousel, 2),
          number(naive, 2),
        ]),
      ),
    );
    const [market] = rows;
    said.textContent = t(
      market.carrousel < market.naive ? "story.market-luck" : "story.market-loses",
    );
  }

  function draw() {
    charts.replaceChildren(
      ...Object.entries(KINDS).map(([name, make]) =>
        el(
          "figure",
          {},
          el("figcaption", {}, t(`story.market-${name}`)),
          sparkline(make(seed), t(`story.market-${name}`)),
        ),
      ),
    );
  }

  function another() {
    turn++;
    seed++;
    table.replaceChildren();
    said.textContent = "";
    draw();
  }

  draw();
  return {
    element: el(
      "div",
      {},
      charts,
      el(
        "div",
        { class: "toolbar" },
        el(
          "button",
          { id: "story-trade", class: "primary", onclick: learn },
          t("story.market-learn"),
        ),
        el("button", { id: "story-reseed", onclick: another }, t("story.speech-another")),
      ),
      table,
      said,
    ),
    destroy() {
      turn++;
    },
  };
}

/** Mean errors of a network's forecasts, and of the last value, on the last fifth.
 * @param {number[]} values @param {() => boolean} canceled */
export async function errors(values, canceled) {
  const session = new Session(series(values, STEPS, heldOf(values)), {
    ...OPTIONS,
    optimizer: "adam",
  });
  if (!(await sliced(session.lessons(RATE, UPDATES), canceled))) return null;
  const [model] = await trainedModels(session);
  const { rows } = model.meta.backtest;
  return Object.fromEntries(rows.map(({ name, mae }) => [name, mae]));
}

/** @param {number[]} values @param {string} label */
function sparkline(values, label) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (k) => (k / (values.length - 1)) * SIZE.width;
  const y = (value) => 4 + ((high - value) / (high - low)) * (SIZE.height - 8);
  const held = values.length - heldOf(values);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${SIZE.width} ${SIZE.height}`,
      role: "img",
      "aria-label": label,
      class: "story-spark",
    },
    svg("rect", {
      class: "band",
      x: x(held),
      y: 0,
      width: SIZE.width - x(held),
      height: SIZE.height,
    }),
    svg("path", {
      class: "series-line",
      fill: "none",
      d: `M${values.map((value, k) => `${x(k).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`,
    }),
  );
}
