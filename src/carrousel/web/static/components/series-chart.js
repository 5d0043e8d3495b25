// @ts-check
/**
 * Observations as points that can be dragged (or moved with the arrow keys), with an optional
 * forecast: median, intervals. Positions count observations; the caller says which are shown.
 */

import { number } from "../i18n.js";
import { color, el, oncePerFrame, svg } from "./dom.js";

const PAD = { top: 12, bottom: 22 };

/** @param {{ondrag: (at: number, value: number) => void, label: string}} options */
export function seriesChart({ ondrag, label }) {
  const picture = svg("svg", { class: "series", role: "group", "aria-label": label });
  const tip = el("div", { class: "tip", hidden: true });
  const box = el("div", { class: "series-box" }, picture, tip);
  let shown = null;
  let held = null; // the observation under the finger, with the scale at the time it was taken
  const redraw = oncePerFrame(() => paint());

  /**
   * @param {{from: number, to: number, values: ArrayLike<number>, left: number, right: number,
   *   times: string[], forecast?: {at: number, quantiles: number[][], actual?: number[]},
   *   band?: {from: number, to: number}, marks?: number[], editable?: boolean}} next
   *   observations from..to-1 of `values` are shown; `left` and `right` are margins in pixels
   */
  function draw(next) {
    shown = { ...next, scale: shown?.scale }; // the pointer may ask before the next frame
    redraw();
  }

  function paint() {
    const width = box.clientWidth;
    const height = box.clientHeight;
    if (!width) return;
    const scale = held?.scale ?? scales(shown, width, height);
    shown.scale = scale;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.at;
    picture.replaceChildren(
      ...axes(shown, scale, width, height),
      ...band(shown, scale, height),
      ...fan(shown, scale),
      line(shown, scale),
      ...points(shown, scale),
    );
    if (focused !== undefined) picture.querySelector(`[data-at="${focused}"]`)?.focus();
  }

  function points({ from, to, values, editable = true, times }, { x, y }) {
    const found = [];
    for (let k = from; k < to; k++) {
      if (!Number.isFinite(values[k])) continue;
      found.push(
        svg("circle", {
          cx: x(k),
          cy: y(values[k]),
          r: to - from > 120 ? 2.4 : 4,
          class: "observation",
          data: { at: k, keys: "arrows" },
          ...(editable
            ? {
                tabindex: 0,
                role: "slider",
                "aria-label": times[k] ?? k,
                "aria-valuenow": values[k],
                "aria-orientation": "vertical",
              }
            : {}),
        }),
      );
    }
    return found;
  }

  picture.addEventListener("pointerdown", (event) => {
    const at = nearest(event);
    if (at === null || shown.editable === false) return;
    held = { at, scale: shown.scale };
    picture.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  picture.addEventListener("pointermove", (event) => {
    if (held) {
      const top = picture.getBoundingClientRect().top;
      ondrag(held.at, held.scale.back(event.clientY - top));
    }
    say(held?.at ?? nearest(event));
  });
  const letGo = () => {
    held = null;
    redraw();
  };
  picture.addEventListener("pointerup", letGo);
  picture.addEventListener("pointercancel", letGo);
  picture.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  picture.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const at = Number(event.target.dataset?.at);
    if (!by || !Number.isInteger(at)) return;
    event.preventDefault();
    ondrag(at, shown.values[at] + by * shown.scale.nudge);
  });

  function nearest(event) {
    if (!shown?.scale) return null; // nothing is drawn yet
    const { left, top } = picture.getBoundingClientRect();
    let best = null;
    let least = 18;
    for (let k = shown.from; k < shown.to; k++) {
      const away = Math.hypot(
        shown.scale.x(k) - event.clientX + left,
        shown.scale.y(shown.values[k]) - event.clientY + top,
      );
      if (away < least) [best, least] = [k, away];
    }
    return best;
  }

  function say(at) {
    tip.hidden = at === null;
    if (at === null) return;
    tip.textContent = `${shown.times[at] ?? at}: ${number(shown.values[at], 1)}`;
    tip.style.left = `${Math.min(shown.scale.x(at) + 10, box.clientWidth - 150)}px`;
    tip.style.top = `${Math.max(shown.scale.y(shown.values[at]) - 30, 0)}px`;
  }

  return { element: box, draw, destroy: () => redraw.cancel() };
}

function scales({ from, to, values, left, right, forecast }, width, height) {
  const end = forecast ? Math.max(to, forecast.at + forecast.quantiles.length) : to;
  const seen = Array.from(values).slice(from, to).filter(Number.isFinite);
  if (forecast) {
    for (const row of forecast.quantiles) seen.push(row[1], row[row.length - 2]);
    seen.push(...(forecast.actual ?? []).filter(Number.isFinite));
  }
  let [low, high] = [Math.min(...seen), Math.max(...seen)];
  const room = (high - low || 1) * 0.08;
  [low, high] = [low - room, high + room];
  const column = (width - left - right) / (end - from);
  const inner = height - PAD.top - PAD.bottom;
  return {
    low,
    high,
    end,
    column,
    x: (k) => left + (k - from + 0.5) * column,
    y: (value) => PAD.top + (1 - (value - low) / (high - low)) * inner,
    back: (pixel) => low + (1 - (pixel - PAD.top) / inner) * (high - low),
    nudge: (high - low) / 50,
  };
}

function axes({ from, left, right, times }, { low, high, y, x, end }, width, height) {
  const lines = ticks(low, high).flatMap((value) => [
    svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "grid" }),
    svg(
      "text",
      { x: left - 7, y: y(value) + 4, class: "tick", "text-anchor": "end" },
      number(value, value % 1 ? 1 : 0),
    ),
  ]);
  const every = Math.max(
    1,
    Math.ceil((end - from) / Math.max(2, Math.floor((width - left - right) / 90))),
  );
  for (let k = from; k < end; k += every) {
    lines.push(
      svg(
        "text",
        { x: x(k), y: height - 5, class: "tick", "text-anchor": "middle" },
        shortTime(times[k] ?? ""),
      ),
    );
  }
  return lines;
}

const shortTime = (time) =>
  time.endsWith("-01") && time.length === 10 ? time.slice(0, 7) : time.slice(0, 10);

export function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found;
}

function band({ band: shown }, { x, column }, height) {
  if (!shown) return [];
  return [
    svg("rect", {
      x: x(shown.from) - column / 2,
      y: 0,
      width: column * (shown.to - shown.from),
      height,
      class: "band",
    }),
  ];
}

function line({ from, to, values }, { x, y }) {
  let path = "";
  let pen = "M";
  for (let k = from; k < to; k++) {
    if (!Number.isFinite(values[k])) pen = "M";
    else {
      path += `${pen}${x(k).toFixed(1)} ${y(values[k]).toFixed(1)}`;
      pen = "L";
    }
  }
  return svg("path", {
    d: path || "M0 0",
    class: "series-line",
    fill: "none",
    stroke: color("--series"),
  });
}

function fan({ forecast }, { x, y }) {
  if (!forecast) return [];
  const { at, quantiles, actual } = forecast;
  const area = (low, high, name) => {
    const top = quantiles.map((row, j) => `${x(at + j)} ${y(row[high])}`);
    const bottom = quantiles.map((row, j) => `${x(at + j)} ${y(row[low])}`).reverse();
    return svg("path", { d: `M${[...top, ...bottom].join("L")}Z`, class: name });
  };
  const last = quantiles[0].length - 1;
  const middle = last / 2;
  const path = (of) => `M${quantiles.map((row, j) => `${x(at + j)} ${y(of(row, j))}`).join("L")}`;
  const drawn = [
    area(1, last - 1, "fan wide"),
    area(3, last - 3, "fan"),
    svg("path", { d: path((row) => row[middle]), class: "median", fill: "none" }),
  ];
  (actual ?? []).forEach((value, j) => {
    if (Number.isFinite(value))
      drawn.push(svg("circle", { cx: x(at + j), cy: y(value), r: 3, class: "actual" }));
  });
  return drawn;
}
