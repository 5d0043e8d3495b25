// @ts-check
// The diagram: wires, gates, knots and the vectors on them, drawn once and then filled with numbers.

import { svg } from "../../components/dom.js";
import { formula } from "../../components/formula.js";
import { number, t } from "../../i18n.js";
import { CELLS } from "../../net/cells.js";
import { numberOf, painter } from "./values.js";

/** @typedef {import("./shapes.js").Shape} Shape @typedef {import("./shapes.js").Point} Point
 *  @typedef {import("../../net/operations.js").Operation} Operation */

const STRIP = { width: 104, height: 13 },
  CHIP = { width: 114, height: 44 };
const BOX = { width: 116, height: 78 };
const LONGEST = 16; // signs of a word beside its wire
const ROUND = 16; // of the wires' corners

/**
 * @param {Shape} shape
 * @param {{kind: string, units: (id: string) => number, onoperation: (op: number, id: string) => void,
 *   onunit: (unit: number) => void, onhover: (id: string | null, event: PointerEvent) => void}} options
 *   units: how many numbers a value has
 */
export function diagram(shape, options) {
  const [width, height] = shape.size;
  const wires = shape.wires.map((wire) => drawWire(wire, options));
  const stations = [
    ...shape.chips.map((chip) => drawChip(chip, options)),
    ...shape.boxes.map((box) => drawBox(box, options)),
    ...shape.knots.map((knot) => drawKnot(knot, options)),
  ];
  const read = drawToken(shape);
  const flow = svg("g", { class: "flow", "aria-hidden": "true" });
  const element = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      class: "cell-diagram",
      data: { kind: options.kind },
      role: "group",
      "aria-label": t("cell.diagram"),
    },
    wires.map((wire) => wire.element),
    shape.labels.map(drawLabel),
    read,
    stations.map((one) => one.element),
    flow,
  );
  const paint = painter();

  /**
   * @param {Map<string, Operation>} values @param {number} unit @param {number} op operations after
   *   this one have not happened yet @param {(id: string) => number} scale of each value, by its id
   * @param {string} token what is read at this step
   */
  function update(values, unit, op, scale, token) {
    for (const one of [...wires, ...stations]) {
      const later = one.op > op;
      one.element.classList.toggle("later", later);
      one.element.classList.toggle("current", one.op === op);
      const operation = values.get(one.value);
      if (operation && "fill" in one && typeof one.fill === "function")
        one.fill(operation, unit, later, (value) => paint(operation, value, scale(one.value)));
    }
    read.textContent = token.length > LONGEST ? `${token.slice(0, LONGEST - 1)}…` : token;
  }

  /** Shows which value is looked at. @param {string | null} id */
  function highlight(id) {
    for (const one of [...wires, ...stations])
      one.element.classList.toggle("looked-at", one.value === id);
  }

  return { element, flow, wires, update, highlight };
}

/** What is read, beside its wire; towards the middle. @param {Shape} shape */
function drawToken({ token: [x, y], size: [width] }) {
  return svg("text", {
    class: "wire-token",
    x,
    y,
    "text-anchor": x > width * 0.6 ? "end" : "start",
  });
}

/** A path with round corners. @param {Point[]} points */
function pathOf(points) {
  let path = `M${points[0]}`;
  for (let k = 1; k < points.length - 1; k++) {
    const [x, y] = points[k];
    path += `L${toward(points[k], points[k - 1])}Q${x},${y} ${toward(points[k], points[k + 1])}`;
  }
  return `${path}L${points[points.length - 1]}`;
}

/** @param {Point} from @param {Point} to @returns {Point} */
function toward(from, to) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]),
    part = Math.min(ROUND, length / 2) / length;
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
}

/** @param {import("./shapes.js").Wire} wire @param {any} options */
function drawWire(wire, options) {
  const d = pathOf(wire.points),
    role = roleOf(wire.value, options.kind);
  const path = svg("path", { d, class: "wire" });
  const parts = [path, svg("path", { d, class: "wire-area" })];
  if (wire.arrow) parts.push(svg("path", { d: arrowHead(wire.points), class: "wire-head" }));
  const element = svg(
    "g",
    {
      data: { gate: role, wire: wire.value },
      class: "wire-group",
      ...hovering(wire.value, options),
      onclick: () => options.onoperation(wire.op, wire.value),
    },
    parts,
  );
  return { element, path, value: wire.value, op: wire.op, stage: wire.stage };
}

/** @param {Point[]} points */
function arrowHead(points) {
  const [x, y] = points[points.length - 1],
    [a, b] = points[points.length - 2];
  const length = Math.hypot(x - a, y - b),
    dx = (x - a) / length,
    dy = (y - b) / length;
  const back = [x - 9 * dx, y - 9 * dy];
  return `M${x},${y}L${back[0] - 5 * dy},${back[1] + 5 * dx}L${back[0] + 5 * dy},${back[1] - 5 * dx}Z`;
}

/** @param {import("./shapes.js").Chip} chip @param {any} options */
function drawChip({ value, op, at: [x, y] }, options) {
  const text = svg("text", { class: "chip-number", x: 0, y: 17, "text-anchor": "middle" });
  const strip = drawStrip(options.units(value), options.onunit, -STRIP.width / 2, -14);
  const element = svg(
    "g",
    {
      class: "chip",
      transform: `translate(${x} ${y})`,
      data: { gate: roleOf(value, options.kind), chip: value },
      ...hovering(value, options),
      onclick: () => options.onoperation(op, value),
    },
    backing("chip-back", CHIP, 9),
    strip.element,
    text,
  );
  return { element, value, op, fill: filler(strip, text) };
}

/** @param {import("./shapes.js").Box} box @param {any} options */
function drawBox({ value, op, at: [x, y], sign }, options) {
  const text = svg("text", { class: "box-number", x: 48, y: 28, "text-anchor": "end" });
  const strip = drawStrip(options.units(value), options.onunit, -48, -9, 96);
  const element = svg(
    "g",
    {
      class: "box",
      transform: `translate(${x} ${y})`,
      data: { gate: roleOf(value, options.kind), op, box: value },
      ...pressing(op, value, options),
    },
    backing("box-back", BOX, 11),
    svg("text", { class: "box-name", x: -48, y: -19 }, t(`cell.short.${value}`)),
    svg("text", { class: "box-sign", x: -48, y: 28 }, sign),
    strip.element,
    text,
  );
  return { element, value, op, fill: filler(strip, text) };
}

function backing(name, { width, height }, rx) {
  return svg("rect", { class: name, x: -width / 2, y: -height / 2, width, height, rx });
}

/** @param {import("./shapes.js").Knot} knot @param {any} options */
function drawKnot({ value, op, at: [x, y], sign }, options) {
  const wide = sign.length > 2,
    word = sign.length > 1;
  const element = svg(
    "g",
    {
      class: "knot",
      transform: `translate(${x} ${y})`,
      data: { gate: roleOf(value, options.kind), op, knot: value },
      ...pressing(op, value, options),
    },
    backing("knot-back", { width: wide ? 48 : 28, height: 28 }, 14),
    svg(
      "text",
      { class: word ? "knot-word" : "knot-sign", y: word ? 5 : 6.5, "text-anchor": "middle" },
      sign,
    ),
  );
  return { element, value, op };
}

/** One rectangle a unit. @param {number} count @param {(unit: number) => void} onunit
 *  @param {number} x @param {number} y @param {number} [width] */
function drawStrip(count, onunit, x, y, width = STRIP.width) {
  const gap = count <= 32 ? 1 : 0,
    size = width / count;
  const cells = Array.from({ length: count }, (_, unit) =>
    svg("rect", {
      x: x + unit * size,
      y,
      width: Math.max(0.4, size - gap),
      height: STRIP.height,
      class: "unit",
    }),
  );
  const mark = svg("rect", {
    class: "unit-mark",
    y: y - 1.5,
    height: STRIP.height + 3,
    width: Math.max(2.4, size - gap),
    rx: 1.5,
  });
  const element = svg(
    "g",
    {
      class: "strip",
      onclick: (event) => {
        const unit = cells.indexOf(event.target);
        if (unit >= 0) onunit(unit);
      },
    },
    cells,
    mark,
  );
  return { element, cells, mark, x, size };
}

/** @param {any} strip @param {SVGElement} text */
function filler({ cells, mark, x, size }, text) {
  return (operation, unit, later, paint) => {
    cells.forEach((cell, at) =>
      cell.setAttribute("fill", later ? "none" : paint(operation.value[at])),
    );
    mark.toggleAttribute("hidden", later || operation.id === "x" || unit >= cells.length);
    mark.setAttribute("x", String(x + unit * size - (size < 2.4 ? 0.7 : 0)));
    text.textContent = later ? "" : shown(operation, unit);
  };
}

/** The number of the unit; a vector that is read (x) is as long as it is, so its largest is named.
 * @param {Operation} operation @param {number} unit */
function shown(operation, unit) {
  if (operation.id !== "x") return number(numberOf(operation, unit), 2);
  if (operation.value.length === 1) return number(operation.value[0], 2);
  return t("cell.numbers", operation.value.length);
}

/** @param {import("./shapes.js").Label} label */
function drawLabel({ text, at: [x, y], anchor }) {
  if (text.startsWith("cell."))
    return svg("text", { class: "wire-note", x, y, "text-anchor": anchor }, t(text));
  const width = 90,
    left = anchor === "end" ? x - width : anchor === "middle" ? x - width / 2 : x;
  const inside = svg("foreignObject", {
    x: left,
    y: y - 21,
    width,
    height: 32,
    class: "wire-name",
    data: { anchor },
  });
  inside.append(formula(text));
  return inside;
}

/** @param {string} value @param {any} options */
function hovering(value, options) {
  return {
    onpointerenter: (event) => options.onhover(value, event),
    onpointermove: (event) => options.onhover(value, event),
    onpointerleave: (event) => options.onhover(null, event),
  };
}

/** @param {number} op @param {string} value @param {any} options */
function pressing(op, value, options) {
  const press = () => options.onoperation(op, value);
  return {
    ...hovering(value, options),
    onclick: press,
    tabindex: 0,
    role: "button",
    "aria-label": t(`cell.name.${value}`),
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      press();
    },
  };
}

/** The palette's key of a value. @param {string} value @param {string} kind */
function roleOf(value, kind) {
  const roles = {
    c: "cell",
    h: "hidden",
    x: "series",
    join: "series",
    ...CELLS[kind].roles,
    recalled: "reset",
    squashed: "cell",
    open: "update",
    sum: "candidate",
  };
  return roles[value] ?? value;
}
