// @ts-check
/** An ordinary network beside one with a loop, which a click unrolls; both are asked the same. */

import { keepInAddress } from "../../address.js";
import { el, svg } from "../../components/dom.js";
import { redraw } from "../../components/focus.js";
import { percent, quoted, t } from "../../i18n.js";
import { forward, softmax } from "../../net/forward.js";
import { smallModel } from "../../net/small.js";
import { guessBar } from "../way/stations.js";

const LETTERS = ["a", "b", "c"]; // that may be asked for
const ANSWERS = [...LETTERS, "·"]; // the last one: nothing
const BETWEEN = ["·", "?"];
const LAYERS = [3, 4, 3]; // knots of the drawn networks
const SIZE = { width: 360, height: 210 };
const settings = keepInAddress(
  "story",
  { letter: "b", unrolled: false },
  { letter: { among: LETTERS } },
);

/**
 * What a small network of plain cells says of the letters after "?": having read all of them, and
 * having read the question alone, as a network without a loop does.
 * @param {string} letter
 */
export function answers(letter) {
  const model = smallModel("rnn");
  const ids = [letter, ...BETWEEN].map((sign) => model.vocab.indexOf(sign));
  const after = (sequence) => {
    const record = forward(model, sequence);
    const chances = softmax(record.said(record.T - 1));
    return ANSWERS.map((sign) => chances[model.vocab.indexOf(sign)]);
  };
  return { ann: after(ids.slice(-1)), rnn: after(ids) };
}

export function networkChapter() {
  const pictures = el("div", { class: "story-pair" });
  const letters = el("div", {
    class: "segments",
    role: "group",
    "aria-label": t("story.network-letter"),
  });
  const unroll = el("button", { id: "story-unroll", class: "primary", onclick: turn });
  const says = el("p", { class: "story-says", role: "status" });

  function turn() {
    settings.unrolled = !settings.unrolled;
    draw();
  }

  function draw() {
    const { letter, unrolled } = settings;
    const found = answers(letter);
    unroll.textContent = t(unrolled ? "story.network-roll" : "story.network-unroll");
    redraw(letters, ...LETTERS.map(letterButton));
    redraw(
      pictures,
      figure("ann", annPicture(), found.ann),
      figure("rnn", unrolled ? unrolledPicture(letter) : loopPicture(), found.rnn),
    );
    const sure = Math.max(...found.rnn);
    says.textContent = t("story.network-says", quoted(letter), percent(sure));
  }

  const letterButton = (sign) =>
    el(
      "button",
      {
        "aria-pressed": String(sign === settings.letter),
        data: { letter: sign },
        onclick: () => {
          settings.letter = sign;
          draw();
        },
      },
      [sign, ...BETWEEN].join(" "),
    );

  draw();
  return {
    element: el(
      "div",
      { class: "story-body" },
      el("div", { class: "toolbar" }, el("span", {}, t("story.network-letter")), letters, unroll),
      pictures,
      says,
    ),
  };
}

function figure(name, picture, chances) {
  return el(
    "figure",
    { data: { figure: name } },
    el("figcaption", {}, el("b", {}, t(`story.network-${name}`))),
    picture,
    el(
      "div",
      { class: "story-bars" },
      ANSWERS.map((letter, k) => {
        const bar = guessBar(letter, chances[k], percent(chances[k]));
        bar.dataset.chance = chances[k].toFixed(6);
        return bar;
      }),
    ),
  );
}

const frame = (label, ...children) =>
  svg(
    "svg",
    {
      viewBox: `0 0 ${SIZE.width} ${SIZE.height}`,
      role: "img",
      "aria-label": label,
      class: "story-net",
    },
    children.flat(),
  );

/** Knots of a layer, from left to right. */
const knots = (count, y, from, to) =>
  Array.from({ length: count }, (_, k) => [from + ((k + 0.5) * (to - from)) / count, y]);

function layered(from, to) {
  const rows = LAYERS.map((count, k) => knots(count, 178 - 70 * k, from, to));
  const edges = rows
    .slice(1)
    .flatMap((row, k) =>
      rows[k].flatMap(([x, y]) =>
        row.map(([u, v]) => svg("line", { class: "story-edge", x1: x, y1: y, x2: u, y2: v })),
      ),
    );
  const places = ["input", "hidden", "output"];
  const circles = rows.flatMap((row, k) =>
    row.map(([cx, cy]) => svg("circle", { class: `story-knot ${places[k]}`, cx, cy, r: 11 })),
  );
  return [...edges, ...circles];
}

const word = (x, y, text) => svg("text", { x, y, "text-anchor": "middle" }, text);

function annPicture() {
  return frame(t("story.network-ann-label"), layered(90, 270), word(180, 207, "?"));
}

function loopPicture() {
  return frame(
    t("story.network-rnn-label"),
    layered(90, 270),
    svg("path", {
      class: "way-loop",
      data: { gate: "hidden" },
      d: "M262,100 h40 a16,16 0 0 0 16,-16 v-10 a16,16 0 0 0 -16,-16 h-244 a16,16 0 0 0 -16,16 v10 a16,16 0 0 0 16,16 h36",
    }),
    svg("path", { class: "way-head", data: { gate: "hidden" }, d: "M97,100 l-10,-6 v12 Z" }),
    word(180, 207, t("story.network-each")),
  );
}

/** The same network three times, each handing its state to the next. */
function unrolledPicture(letter) {
  const column = SIZE.width / 3;
  const signs = [letter, ...BETWEEN];
  const cells = signs.flatMap((sign, k) => {
    const x = (k + 0.5) * column;
    const last = k === signs.length - 1;
    return [
      svg("line", { class: "story-edge strong", x1: x, x2: x, y1: 170, y2: 128 }),
      k > 0 &&
        svg("path", {
          class: "way-wire",
          data: { gate: "hidden" },
          d: `M${x - column + 40},104 H${x - 46}`,
        }),
      k > 0 &&
        svg("path", {
          class: "way-head",
          data: { gate: "hidden" },
          d: `M${x - 39},104 l-10,-6 v12 Z`,
        }),
      last && svg("line", { class: "story-edge strong", x1: x, x2: x, y1: 80, y2: 44 }),
      svg(
        "g",
        { class: "way-box", style: { "--at": String(k) } },
        svg("rect", { x: x - 38, y: 80, width: 76, height: 48, rx: 9 }),
        svg("text", { x, y: 110, "text-anchor": "middle" }, "RNN"),
      ),
      word(x, 192, sign),
      last && word(x, 36, letter),
    ].filter(Boolean);
  });
  return frame(t("story.network-unrolled-label", signs.join(" ")), cells);
}
