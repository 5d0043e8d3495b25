// @ts-check
// One operation in words, as a formula and with this step's numbers.

import { el } from "../../components/dom.js";
import { formula } from "../../components/formula.js";
import { number, t } from "../../i18n.js";
import { CELLS } from "../../net/cells.js";
import { weightedSum } from "../../net/operations.js";
import { numberOf } from "./values.js";

/** @typedef {import("../../net/operations.js").Operation} Operation */

const SHOWN = 6; // terms of a weighted sum that are written out
const ALL = 8; // units up to which an operation is shown for every one of them
const LARGEST = 6; // units shown beside the chosen one where there are more

/**
 * @param {{layer: any, run: any, t: number, kind: string, id: string, unit: number,
 *   names: (k: number) => string, values: Map<string, Operation>}} what names: what input k is
 */
export function arithmetic(what) {
  const { kind, id, values } = what;
  const operation = values.get(id);
  return el(
    "div",
    { class: "arithmetic", data: { gate: operation.role, operation: id } },
    el("h3", {}, el("span", { class: "swatch" }), t(`cell.name.${id}`)),
    el("p", { class: "analogy" }, said("say", kind, id)),
    el("div", { class: "formula" }, formula(said("formula", kind, id), true)),
    numbers(what, operation),
  );
}

/** The text about an operation, of this kind of cell where it has its own. */
function said(what, kind, id) {
  const own = t(`cell.${what}.${kind}.${id}`);
  return own === `cell.${what}.${kind}.${id}` ? t(`cell.${what}.${id}`) : own;
}

/** @param {any} what @param {Operation} operation */
function numbers(what, operation) {
  const { kind, id, unit, values } = what;
  const pair = CELLS[kind].pairs[id];
  if (pair) return product(pair, operation, unit, values);
  if (id === "recalled") return recalled(what, operation);
  if (id === "squashed") return squashed(values.get("cell"), operation, unit);
  if (id === "open")
    return line(`1 − ${of(values.get("update"), unit)} = `, result(operation, unit));
  if (id === "hidden") return squashed(values.get("sum"), operation, unit);
  if (operation.rule === "weighted") return weighted(what, operation);
  return vectors(what, operation);
}

/** @param {Operation | undefined} operation @param {number} unit */
const of = (operation, unit) => bracket(numberOf(operation, unit));

/** Negative numbers stand in brackets behind a sign. @param {number} value */
function bracket(value, digits = 2) {
  const text = number(value, digits);
  return text.startsWith("−") ? `(${text})` : text;
}

/** @param {Operation} operation @param {number} unit */
const result = (operation, unit) =>
  el("strong", { class: "result", id: "cell-result" }, number(numberOf(operation, unit), 3));

/** @param {...(string | Node)} parts */
const line = (...parts) => el("p", { class: "number sum" }, ...parts);

/** @param {[string, string, string]} pair @param {Operation} operation @param {number} unit
 *  @param {Map<string, Operation>} values */
function product([left, sign, right], operation, unit, values) {
  const term = (id) =>
    el(
      "span",
      { class: "term", data: { gate: values.get(id)?.role } },
      number(numberOf(values.get(id), unit), 3),
    );
  return el(
    "div",
    {},
    line(term(left), ` ${sign} `, term(right), " = ", result(operation, unit)),
    el("p", { class: "hint" }, `${t(`cell.name.${left}`)} ${sign} ${t(`cell.name.${right}`)}`),
    operation.value.length > ALL ? el("p", { class: "hint" }, t("cell.largest")) : null,
    unitTable([left, sign, right], operation, unit, values),
  );
}

/** The same operation for other units.
 * @param {[string, string, string]} pair @param {Operation} operation @param {number} chosen
 * @param {Map<string, Operation>} values */
function unitTable([left, sign, right], operation, chosen, values) {
  const { value } = operation;
  const units = shownUnits(value, chosen),
    most = Math.max(...units.map((unit) => Math.abs(value[unit])), 1e-9);
  const cell = (id, unit) =>
    el(
      "td",
      { class: "term", data: { gate: values.get(id)?.role } },
      number(numberOf(values.get(id), unit), 2),
    );
  const rows = units.map((unit) =>
    el(
      "tr",
      { class: unit === chosen ? "chosen" : "" },
      el("th", { scope: "row" }, `${t("cell.unit")} ${unit}`),
      cell(left, unit),
      el("td", {}, sign),
      cell(right, unit),
      el("td", {}, "="),
      el("td", {}, number(value[unit], 2)),
      bar(value[unit], most),
    ),
  );
  return el("table", { class: "number terms units" }, el("tbody", {}, rows));
}

/** All units of a small network; else the chosen one and those with the largest values.
 * @param {Float64Array} value @param {number} chosen */
function shownUnits(value, chosen) {
  const units = [...value.keys()];
  if (units.length <= ALL) return units;
  const largest = units.sort((a, b) => Math.abs(value[b]) - Math.abs(value[a])).slice(0, LARGEST);
  return [...new Set([...largest, chosen])].sort((a, b) => a - b);
}

/** @param {Operation} before @param {Operation} after @param {number} unit */
function squashed(before, after, unit) {
  return line(`tanh(${number(numberOf(before, unit), 3)}) = `, result(after, unit));
}

/** @param {any} what @param {Operation} operation */
function recalled({ layer, run, t: step, unit, values }, operation) {
  const sum = run.recalled[step * run.H + unit];
  const reset = numberOf(values.get("reset"), unit);
  const row = unit + 2 * run.H;
  const h = values.get("h");
  const terms = Array.from({ length: run.H }, (_, j) => ({
    weight: layer.weight_hh[row * run.H + j],
    value: h.value[j],
    source: "h",
    index: j,
  }));
  terms.push({ weight: layer.bias_hh[row], value: 1, source: "b", index: 0 });
  return el(
    "div",
    {},
    table(terms, () => ""),
    line(`Σ = ${number(sum, 3)}`),
    line(`${number(reset, 3)} × ${bracket(sum, 3)} = `, result(operation, unit)),
  );
}

/** @param {any} what @param {Operation} operation */
function weighted({ layer, run, t: step, id, unit, names, kind }, operation) {
  const { terms, sum } = weightedSum(layer, run, step, id, unit);
  const squash = id === "candidate" ? "tanh" : id === "sum" ? "" : "σ";
  return el(
    "div",
    {},
    table(terms, names),
    squash ? line(`Σ = ${number(sum, 3)}`) : line("Σ = ", result(operation, unit)),
    squash ? line(`${squash}(${number(sum, 3)}) = `, result(operation, unit)) : null,
    CELLS[kind].recalls === id ? el("p", { class: "hint" }, t("cell.resetInside")) : null,
  );
}

/** The largest terms, one a line, and the rest as one. @param {any[]} terms @param {(k: number) => string} names */
function table(terms, names) {
  const present = terms.filter(({ weight, value }) => weight * value !== 0);
  const sorted = [...present].sort(
    (a, b) => Math.abs(b.weight * b.value) - Math.abs(a.weight * a.value),
  );
  const shown = sorted.slice(0, present.length <= SHOWN + 3 ? present.length : SHOWN);
  const rest = sorted.slice(shown.length);
  const most = Math.max(...shown.map(({ weight, value }) => Math.abs(weight * value)), 1e-9);
  const rows = shown.map((term) => row(term, names, most));
  if (rest.length) {
    const left = rest.reduce((total, { weight, value }) => total + weight * value, 0);
    rows.push(
      el(
        "tr",
        { class: "rest" },
        el("td", { colspan: 4 }, t("cell.others", rest.length)),
        el("td", {}, number(left, 3)),
        bar(left, most),
      ),
    );
  }
  return el("table", { class: "number terms" }, el("tbody", {}, rows));
}

/** @param {any} term @param {(k: number) => string} names @param {number} most */
function row({ weight, value, source, index }, names, most) {
  const name =
    source === "b" ? t("cell.bias") : source === "x" ? names(index) || `x ${index}` : `h ${index}`;
  const made =
    source === "b" ? [el("td", { colspan: 2 })] : [el("td", {}, bracket(value)), el("td", {}, "×")];
  const role = source === "h" ? "hidden" : "series";
  return el(
    "tr",
    {},
    el("th", { data: { gate: role }, scope: "row" }, name),
    made,
    el("td", {}, source === "b" ? "" : bracket(weight)),
    el("td", {}, number(weight * value, 3)),
    bar(weight * value, most),
  );
}

/** @param {number} value @param {number} most */
function bar(value, most) {
  const width = `${(50 * Math.min(1, Math.abs(value) / most)).toFixed(1)}%`;
  return el(
    "td",
    { class: "term-cell", "aria-hidden": "true" },
    el("i", { class: value < 0 ? "term-bar negative" : "term-bar", style: { width } }),
  );
}

/** @param {any} what @param {Operation} operation */
function vectors({ values }, operation) {
  if (operation.id !== "join") return list(operation.value, operation.role);
  const h = values.get("h"),
    x = values.get("x");
  const { length } = operation.value;
  return el(
    "div",
    {},
    el("p", { class: "hint" }, t("cell.joined", h.value.length, x.value.length, length)),
    el(
      "p",
      { class: "number vector" },
      "[ ",
      list(h.value, "hidden"),
      " | ",
      list(x.value, "series"),
      " ]",
    ),
  );
}

/** @param {Float64Array} value @param {string} role */
function list(value, role) {
  const shown = Array.from(value.slice(0, 8), (one) => number(one, 2)).join("  ");
  return el(
    "span",
    { class: "term", data: { gate: role } },
    shown + (value.length > 8 ? "  …" : ""),
  );
}
