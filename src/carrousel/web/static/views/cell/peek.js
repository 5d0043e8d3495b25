// @ts-check
// The vector behind a wire, shown beside the pointer.

import { el, svg } from "../../components/dom.js";
import { number, t } from "../../i18n.js";
import { isGate, painter } from "./values.js";

const WIDTH = 264,
  HEIGHT = 74,
  FEW = 12;

export function peek() {
  const element = el("div", { class: "peek", hidden: true, role: "tooltip" });
  const paint = painter();

  /** @param {import("../../net/operations.js").Operation} operation @param {number} unit
   *  @param {number} scale what a bar of full height stands for @param {PointerEvent} event */
  function show(operation, unit, scale, event) {
    element.replaceChildren(
      el("strong", {}, t(`cell.name.${operation.id}`)),
      el("span", { class: "hint" }, ` ${t("cell.numbers", operation.value.length)}`),
      el("span", { class: "hint" }, ` · ${t("cell.full", number(scale, scale < 10 ? 2 : 0))}`),
      bars(operation, unit, scale, paint),
    );
    element.hidden = false;
    place(event);
  }

  /** @param {PointerEvent} event */
  function place(event) {
    const box = element.offsetParent.getBoundingClientRect();
    const x = Math.min(
      Math.max(4, event.clientX - box.left + 16),
      box.width - element.offsetWidth - 4,
    );
    let y = event.clientY - box.top + 18;
    if (event.clientY + element.offsetHeight + 30 > innerHeight) y -= element.offsetHeight + 34;
    element.style.setProperty("left", `${x}px`);
    element.style.setProperty("top", `${y}px`);
  }

  return {
    element,
    show,
    hide: () => {
      element.hidden = true;
    },
  };
}

/** @param {any} operation @param {number} unit @param {number} scale @param {any} paint */
function bars(operation, unit, scale, paint) {
  const { value } = operation,
    gate = isGate(operation.id);
  const few = value.length <= FEW,
    gap = few ? 2 : 0,
    size = WIDTH / value.length;
  const base = gate ? HEIGHT - 14 : HEIGHT / 2,
    reach = gate ? HEIGHT - 30 : HEIGHT / 2 - 14;
  const parts = Array.from(value, (one, at) => {
    const tall = Math.min(1, Math.abs(one) / scale) * reach,
      up = one >= 0;
    const bar = svg("rect", {
      class: at === unit ? "peek-bar chosen" : "peek-bar",
      fill: paint(operation, one, scale),
      x: at * size + gap,
      width: Math.max(0.6, size - 2 * gap),
      y: up ? base - tall : base,
      height: Math.max(0.8, tall),
    });
    if (!few) return [bar];
    return [
      bar,
      svg(
        "text",
        {
          class: "peek-number",
          x: (at + 0.5) * size,
          y: up ? base - tall - 3 : base + tall + 11,
          "text-anchor": "middle",
        },
        number(one, 2),
      ),
    ];
  }).flat();
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT },
    svg("line", { x1: 0, x2: WIDTH, y1: base, y2: base, class: "grid" }),
    parts,
  );
}
