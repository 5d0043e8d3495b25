// @ts-check
/** How much a forecast takes from each of the simple forecasts: columns of shares by step ahead. */

import { percent, t } from "../i18n.js";
import { el, svg } from "./dom.js";

/** A hue for each season, its shades for the forecasts that are made from it. */
const SEASONS = [
  ["--mix-a", "--mix-b", "--mix-c"],
  ["--mix-d", "--mix-e", "--mix-f"],
  ["--mix-g", "--mix-h", "--mix-i"],
];
const WITHIN = { last: "--mix-g", mean: "--mix-h" };
const OTHERS = { last: "--ink", level: "--mix-l", "half trend": "--mix-j", trend: "--mix-k" };

/** @param {{names: string[]}} options */
export function mixture({ names }) {
  const picture = svg("svg", { class: "mixture", role: "img", preserveAspectRatio: "none" });
  const legend = el(
    "div",
    { class: "legend" },
    names.map((name, k) =>
      el(
        "span",
        {},
        el("span", { class: "swatch", style: { background: `var(${colorOf(names, k)})` } }),
        anchorName(name),
      ),
    ),
  );
  const element = el("div", {}, picture, legend);

  /** @param {number[][]} weights (K, h) @param {number} ahead the step that is marked */
  function draw(weights, ahead) {
    const h = weights[0].length;
    picture.setAttribute("viewBox", `0 0 ${h} 1`);
    const parts = [];
    for (let j = 0; j < h; j++) {
      let from = 0;
      weights.forEach((row, k) => {
        parts.push(
          svg("rect", {
            x: j,
            y: from,
            width: j === ahead ? 1 : 0.92,
            height: row[j],
            fill: `var(${colorOf(names, k)})`,
            opacity: j === ahead ? 1 : 0.72,
          }),
        );
        from += row[j];
      });
    }
    picture.replaceChildren(...parts);
    const told = weights.map((row, k) => `${anchorName(names[k])} ${percent(row[ahead])}`);
    picture.setAttribute("aria-label", told.join(", "));
  }
  return { element, draw };
}

function colorOf(names, k) {
  const { kind, season, inner } = parsed(names[k]);
  if (names[k] in OTHERS) return OTHERS[names[k]];
  if (inner) return WITHIN[kind];
  const seasons = [
    ...new Set(
      names
        .map(parsed)
        .filter((one) => one.season && !one.inner)
        .map((one) => one.season),
    ),
  ];
  return SEASONS[seasons.indexOf(season) % SEASONS.length][["last", "mean", "form"].indexOf(kind)];
}

function anchorName(name) {
  const { kind, season, inner } = parsed(name);
  if (name === "half trend" || name === "trend")
    return t(`forecast.anchor-${name.replace(" ", "-")}`);
  if (inner) return t(`forecast.anchor-within-${kind}`, inner, season);
  return t(`forecast.anchor-${kind}${season && season !== "1" ? "-season" : ""}`, season);
}

/** "last 24", "24 in mean 168", "level" to their parts. */
function parsed(name) {
  const [, inner, kind, season] = /^(?:(\d+) in )?(\w+)(?: (\d+))?$/.exec(name) ?? [];
  return { inner, kind, season };
}
