// @ts-check
// Numbers that travel along the wires while an operation happens.

import { svg } from "../../components/dom.js";
import { number } from "../../i18n.js";
import { numberOf } from "./values.js";

/** @typedef {import("../../net/operations.js").Operation} Operation */

/** Whether the reader asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @param {any} drawing of `diagram`
 * @returns {{run: (op: number, values: Map<string, Operation>, unit: number, duration: number,
 *   done: () => void) => void, stop: () => void}}
 */
export function flow(drawing) {
  let frame = 0;

  function stop() {
    cancelAnimationFrame(frame);
    drawing.flow.replaceChildren();
  }

  /** @type {ReturnType<typeof flow>["run"]} */
  function run(op, values, unit, duration, done) {
    stop();
    const travelers = drawing.wires
      .filter((wire) => wire.op === op)
      .map((wire) => traveler(wire, values, unit));
    const stages = Math.max(...travelers.map((one) => one.stage)) + 1;
    drawing.flow.replaceChildren(...travelers.map((one) => one.element));
    const start = performance.now();
    const tick = (now) => {
      const share = Math.min(1, (now - start) / duration);
      for (const one of travelers) one.place(share * stages - one.stage);
      if (share < 1) frame = requestAnimationFrame(tick);
      else {
        stop();
        done();
      }
    };
    tick(start);
  }

  return { run, stop };
}

/** @param {any} wire @param {Map<string, Operation>} values @param {number} unit */
function traveler(wire, values, unit) {
  const operation = values.get(wire.value);
  const vector = wire.value === "join" || wire.value === "x" || !operation;
  const text = vector ? "•••" : number(numberOf(operation, unit), 2);
  const width = 22 + 7 * text.length;
  const element = svg(
    "g",
    { class: "traveler", data: { gate: wire.element.dataset.gate } },
    svg("rect", { x: -width / 2, y: -12, width, height: 24, rx: 12 }),
    svg("text", { y: 5, "text-anchor": "middle" }, text),
  );
  const length = wire.path.getTotalLength();
  return {
    element,
    stage: wire.stage,
    /** @param {number} share of the way; outside 0 ... 1 it is not there */
    place(share) {
      const there = share >= 0 && share <= 1;
      element.setAttribute("visibility", there ? "visible" : "hidden");
      if (!there) return;
      const eased = share * share * (3 - 2 * share);
      const { x, y } = wire.path.getPointAtLength(eased * length);
      element.setAttribute("transform", `translate(${x} ${y})`);
    },
  };
}
