// @ts-check
/**
 * Observations as points that can be dragged (or moved with the arrow keys), with an optional
 * forecast: median, intervals. Positions count observations; the caller says which are shown.
 */

import { language, number } from "../i18n.js";
import { el, oncePerFrame, svg } from "./dom.js";
import { ticks, valueLine } from "./scales.js";
import { timeTicks } from "./time-axis.js";

const PAD = { top: 12, bottom: 22 };

/** @param {{ondrag: (at: number, value: number) => void, label: string}} options */
export function seriesChart({ ondrag, label }) {
  const picture = svg("svg", { class: "series", role: "group", "aria-label": label });
  const tip = el("div", { class: "tip", hidden: true });
  const box = el("div", { class: "series-box" }, picture, tip);
  let shown = null;
  let held = null; // the observation under the finger, with the scale at the time it was taken
  let stop = null; // the point that was chosen by keyboard
  const redraw = oncePerFrame(() => paint());

  /**
   * @param {{from: number, to: number, values: ArrayLike<number>, left: number, right: number,
   *   times: string[], forecast?: {at: number, quantiles: number[][], actual?: number[]},
   *   band?: {from: number, to: number}, mark?: number, editable?: boolean}} next
   *   observations from..to-1 of `values` are shown; `left` and `right` are margins in pixels;
   *   `mark` is the one that is asked about
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
      ...marked(shown, scale, height),
      ...fan(shown, scale),
      line(shown, scale),
      ...points(shown, scale),
    );
    if (focused !== undefined) picture.querySelector(`[data-at="${focused}"]`)?.focus();
  }

  function points({ from, to, values, editable = true, times }, { x, y }) {
    const found = [];
    const current = tabStop();
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
                tabindex: k === current ? 0 : -1,
                role: "slider",
                "aria-label": times[k] ?? k,
                "aria-valuenow": values[k],
                "aria-valuetext": number(values[k], 1),
                "aria-orientation": "vertical",
              }
            : {}),
        }),
      );
    }
    return found;
  }

  /** The one point that Tab comes to: the one last held, or the latest. */
  function tabStop() {
    const { from, to, values } = shown;
    if (stop !== null && stop >= from && stop < to && Number.isFinite(values[stop])) return stop;
    for (let k = to - 1; k >= from; k--) if (Number.isFinite(values[k])) return k;
    return null;
  }

  /** Left and right go from point to point. */
  function go(at, by) {
    let next = at + by;
    while (next >= shown.from && next < shown.to && !Number.isFinite(shown.values[next]))
      next += by;
    const found = /** @type {SVGElement | null} */ (picture.querySelector(`[data-at="${next}"]`));
    if (!found) return;
    stop = next;
    for (const one of picture.querySelectorAll("[data-at]")) one.setAttribute("tabindex", "-1");
    found.setAttribute("tabindex", "0");
    found.focus();
    say(next);
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
    const at = Number(event.target.dataset?.at);
    const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if ((!by && !along) || !Number.isInteger(at)) return;
    event.preventDefault();
    if (along) return go(at, along);
    stop = at;
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
  const lines = ticks(low, high).flatMap((value) =>
    valueLine(y(value), number(value, value % 1 ? 1 : 0), left, width - right),
  );
  const most = Math.max(2, Math.floor((width - left - right) / 90));
  for (const { at, text } of timeTicks(times, from, end, most, language())) {
    lines.push(
      svg("line", { x1: x(at), x2: x(at), y1: height - 20, y2: height - 16, class: "now" }),
      svg("text", { x: x(at), y: height - 5, class: "tick", "text-anchor": "middle" }, text),
    );
  }
  return lines;
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

/** The step ahead that is asked about. */
function marked({ mark, forecast }, { x, y }, height) {
  if (mark === undefined) return [];
  const row = forecast?.quantiles[mark - forecast.at];
  return [
    svg("line", { x1: x(mark), x2: x(mark), y1: 0, y2: height - PAD.bottom, class: "asked" }),
    row &&
      svg("circle", { cx: x(mark), cy: y(row[(row.length - 1) / 2]), r: 5, class: "asked-dot" }),
  ].filter(Boolean);
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
