// @ts-check
// Loss curves on a canvas: each update faint, their running mean bold, log scale.

import { color, el, withType } from "../../components/dom.js";
import { roundStep } from "../../components/scales.js";
import { number, t } from "../../i18n.js";
import { COLORS } from "./networks.js";

/** Around the curves, for the numbers of the axes. */
const margins = () => ({ left: withType(46), right: 12, top: 12, bottom: withType(28) });
const WINDOW = 25,
  POINTS = 600; // updates a mean is over; points drawn of a curve at most

export function lossChart() {
  const canvas = el("canvas", { class: "loss-canvas", role: "img" });
  const box = el("div", { class: "loss-box" }, canvas);

  /** @param {import("../../net/session.js").Session} session */
  function draw(session) {
    const { clientWidth: width, clientHeight: height } = box,
      ratio = devicePixelRatio || 1;
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = `${withType(11.1)}px system-ui, sans-serif`;
    const scales = scalesOf(session, width, height);
    axes(context, scales, session.task.memoryless);
    for (const trainer of session.trainers) curve(context, trainer, scales);
    canvas.setAttribute(
      "aria-label",
      t(
        "train.lossLabel",
        session.updates,
        session.trainers
          .map((one) => `${one.kind.toUpperCase()} ${number(session.lossOf(one), 3)}`)
          .join(", "),
      ),
    );
  }

  return { element: box, draw };
}

/** @param {any} session @param {number} width @param {number} height */
function scalesOf(session, width, height) {
  const margin = margins();
  const end = Math.max(50, session.updates),
    losses = session.trainers.flatMap((one) => one.losses);
  let least = Infinity,
    most = session.task.memoryless || 1;
  for (const loss of losses)
    if (loss > 0) [least, most] = [Math.min(least, loss), Math.max(most, loss)];
  const low = Math.log10(Math.max(1e-6, Math.min(least, (session.task.memoryless || 1) / 8))) - 0.1;
  const high = Math.log10(most) + 0.15,
    inner = height - margin.top - margin.bottom;
  return {
    width,
    height,
    margin,
    end,
    low,
    high,
    x: (update) => margin.left + (update / end) * (width - margin.left - margin.right),
    y: (loss) => margin.top + ((high - Math.log10(Math.max(loss, 1e-12))) / (high - low)) * inner,
  };
}

/** @param {CanvasRenderingContext2D} context @param {any} scales @param {number} memoryless */
function axes(context, { width, height, margin, end, low, high, x, y }, memoryless) {
  context.fillStyle = color("--faint");
  context.strokeStyle = color("--line");
  context.textAlign = "right";
  for (let exponent = Math.ceil(low); exponent <= high; exponent++) {
    for (const digit of high - low > 2 ? [1] : [1, 2, 5]) {
      const value = digit * 10 ** exponent;
      if (Math.log10(value) > high) continue;
      rule(context, margin.left, y(value), width - margin.right);
      context.fillText(number(value, Math.max(0, -exponent)), margin.left - 6, y(value) + 4);
    }
  }
  context.textAlign = "center";
  const jump = roundStep((62 * end) / (width - margin.left));
  for (let update = 0; update <= end; update += jump)
    context.fillText(String(update), x(update), height - 10);
  if (!memoryless) return;
  context.setLineDash([5, 4]);
  context.strokeStyle = color("--ink");
  rule(context, margin.left, y(memoryless), width - margin.right);
  context.setLineDash([]);
  context.textAlign = "right";
  context.fillStyle = color("--soft");
  context.fillText(t("train.memoryless"), width - margin.right - 2, y(memoryless) - 5);
}

/** @param {CanvasRenderingContext2D} context @param {number} from @param {number} y @param {number} to */
function rule(context, from, y, to) {
  context.beginPath();
  context.moveTo(from, y);
  context.lineTo(to, y);
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {any} trainer @param {any} scales */
function curve(context, { losses, kind }, { x, y }) {
  const every = Math.max(1, Math.floor(losses.length / POINTS));
  context.strokeStyle = color(COLORS[kind]);
  context.lineJoin = "round";
  path(context, losses.length, every, (at) => [x(at + 1), y(losses[at])], 1, 0.25);
  const sums = new Float64Array(losses.length + 1);
  losses.forEach((loss, at) => {
    sums[at + 1] = sums[at] + loss;
  });
  path(
    context,
    losses.length,
    every,
    (at) => {
      const from = Math.max(0, at + 1 - WINDOW);
      return [x(at + 1), y((sums[at + 1] - sums[from]) / (at + 1 - from))];
    },
    2.6,
    1,
  );
}

/** @param {CanvasRenderingContext2D} context @param {number} count @param {number} every
 *  @param {(at: number) => [number, number]} point @param {number} width @param {number} alpha */
function path(context, count, every, point, width, alpha) {
  context.globalAlpha = alpha;
  context.lineWidth = width;
  context.beginPath();
  for (let at = 0; at < count; at += every) context.lineTo(...point(at));
  if (count) context.lineTo(...point(count - 1));
  context.stroke();
  context.globalAlpha = 1;
}
