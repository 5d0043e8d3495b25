// @ts-check
/**
 * Units × steps as colors on a canvas: rows are units in a given order, columns are steps.
 * Gates (0 to 1) go from nothing to the gate's color; states (signed) from blue through nothing
 * to orange. Click or arrow keys choose a step and a unit.
 */

import { number, t } from "../i18n.js";
import { color, el, rgb } from "./dom.js";

/**
 * @param {{name: string, color: string, signed: boolean, onpick: (step: number, unit: number) => void}} options
 */
export function heatmap({ name, color: key, signed, onpick }) {
  const canvas = el("canvas", {
    class: "heat",
    tabindex: 0,
    role: "application",
    "aria-roledescription": t("page.heatmap"),
    data: { keys: "arrows" },
  });
  const tip = el("div", { class: "tip", hidden: true });
  const said = el("output", { class: "visually-hidden", "aria-live": "polite" });
  const box = el("div", { class: "heat-box" }, canvas, tip, said);
  let shown = null; // {data, T, H, order, step, unit, names, units, extent}

  function draw(next) {
    shown = { ...next, extent: signed ? Math.max(1e-9, largest(next.data)) : 1 };
    const { T, H, order, step, unit } = shown;
    const [width, height] = [box.clientWidth, box.clientHeight];
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(painted(shown, key, signed), 0, 0, canvas.width, canvas.height);
    frame(context, step / T, 0, 1 / T, 1, ratio);
    if (unit !== null) frame(context, 0, order.indexOf(unit) / H, 1, 1 / H, ratio);
    canvas.setAttribute("aria-label", t("page.heatmap-label", name, H, T, spoken()));
    if (document.activeElement === canvas) said.textContent = spoken();
  }

  /** The chosen spot in words. */
  function spoken() {
    const { step, unit, names, data, H } = shown;
    const at = names?.[step] ?? String(step + 1);
    if (unit === null) return t("page.heatmap-step", at);
    return t("page.heatmap-spot", at, unitName(unit), number(data[step * H + unit], 3));
  }

  const unitName = (unit) => shown.units?.[unit] ?? t("page.heatmap-unit", unit);

  function at(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const step = clamp(Math.floor(((event.clientX - left) / width) * shown.T), shown.T);
    const row = clamp(Math.floor(((event.clientY - top) / height) * shown.H), shown.H);
    return { step, unit: shown.order[row], x: event.clientX - left, y: event.clientY - top };
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!shown) return;
    const { step, unit, x, y } = at(event);
    tip.hidden = false;
    const value = number(shown.data[step * shown.H + unit], 3);
    const there = shown.names?.[step] ?? String(step + 1);
    tip.textContent = `${name} ${value} · ${unitName(unit)} · ${there}`;
    tip.style.left = `${Math.min(x + 12, canvas.clientWidth - 150)}px`;
    tip.style.top = `${y + 14}px`;
  });
  canvas.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  canvas.addEventListener("click", (event) => {
    const { step, unit } = at(event);
    onpick(step, unit);
  });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    if (!move || !shown) return;
    event.preventDefault();
    const row = shown.unit === null ? 0 : clamp(shown.order.indexOf(shown.unit) + move[1], shown.H);
    onpick(clamp(shown.step + move[0], shown.T), shown.order[row]);
  });
  return { element: box, draw };
}

/** One pixel per number; the browser enlarges it. */
function painted({ data, T, H, order, extent }, key, signed) {
  const image = new ImageData(T, H);
  const zero = rgb(color("--zero"));
  const [above, below] = signed
    ? [rgb(color("--positive")), rgb(color("--negative"))]
    : [rgb(color(key)), zero];
  for (let row = 0; row < H; row++) {
    for (let t = 0; t < T; t++) {
      const value = data[t * H + order[row]] / extent;
      const end = value >= 0 ? above : below;
      const share = Math.min(Math.abs(value), 1);
      for (let c = 0; c < 3; c++)
        image.data[(row * T + t) * 4 + c] = zero[c] + (end[c] - zero[c]) * share;
      image.data[(row * T + t) * 4 + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(T, H);
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}

function frame(context, x, y, width, height, ratio) {
  const { canvas } = context;
  context.lineWidth = 1.5 * ratio;
  context.strokeStyle = color("--ink");
  context.strokeRect(
    x * canvas.width + ratio * 0.75,
    y * canvas.height + ratio * 0.75,
    width * canvas.width - ratio * 1.5,
    Math.max(height * canvas.height - ratio * 1.5, 1),
  );
}

function largest(data) {
  let most = 0;
  for (const value of data) most = Math.max(most, Math.abs(value));
  return most;
}

const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);
