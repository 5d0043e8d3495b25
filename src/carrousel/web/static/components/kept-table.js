// @ts-check
/** One row for each earlier step, three measures beside it, each with what is usual there. */

import { number, percent, t } from "../i18n.js";
import { el } from "./dom.js";

const MOST = 24; // steps up to which all are shown
const LATEST = 6; // of more, the latest and those that count most
const SHOWN = 16;

/**
 * @param {{names: string[], answer: import("../asking.js").Answer, baseline: object|null,
 *   at: number, looked: number, all: boolean, oneUnit: boolean,
 *   onlook: (step: number) => void, onall: () => void}} options oneUnit: whether account and
 *   measurement are in the same unit, and so have one scale
 */
export function keptTable(options) {
  const { names, answer, at, looked, onlook, onall, all } = options;
  const measures = ["survival", "ledger", "occlusion"].filter((name) => answer[name]);
  const sizes = scalesOf(options);
  const shown = all ? [...names.keys()].slice(0, at + 1) : shownRows(answer, at, looked);
  const rows = shown.map((k) =>
    el(
      "tr",
      { class: k === looked ? "looked" : "", onclick: () => onlook(k) },
      el(
        "th",
        { scope: "row" },
        rowName(names[k], k === looked, () => onlook(k)),
      ),
      measures.map((name) =>
        el(
          "td",
          { data: { measure: name, value: answer[name][k] } },
          bar(name, answer[name][k], options.baseline?.[name][k], sizes[name]),
        ),
      ),
    ),
  );
  const longest = Math.max(...shown.map((k) => names[k].length));
  const left = at + 1 - shown.length;
  return el(
    "div",
    {},
    el(
      "table",
      { style: { "--longest": String(Math.min(longest, 24)) } },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, el("span", { class: "visually-hidden" }, t("kept.earlier"))),
          measures.map((name) =>
            el("th", { scope: "col" }, t(`kept.${name}`), el("small", {}, t(`kept.${name}-short`))),
          ),
        ),
      ),
      el("tbody", {}, rows),
    ),
    left > 0 && el("button", { class: "more", onclick: onall }, t("kept.more", left)),
  );
}

function rowName(name, pressed, onclick) {
  const press = (event) => {
    event.stopPropagation();
    onclick();
  };
  return el(
    "button",
    {
      class: "row-name",
      title: name,
      "aria-pressed": String(pressed),
      tabindex: pressed ? 0 : -1,
      onclick: press,
    },
    name,
  );
}

/** Of a long history the steps that count most, and the latest; in the order of time. */
export function shownRows({ occlusion }, at, looked) {
  const steps = Array.from({ length: at + 1 }, (_, k) => k);
  if (steps.length <= MOST) return steps;
  const size = (k) => (Number.isFinite(occlusion[k]) ? Math.abs(occlusion[k]) : -1);
  const kept = new Set([...steps.slice(-LATEST), looked]);
  for (const k of [...steps].sort((a, b) => size(b) - size(a))) {
    if (kept.size >= SHOWN) break;
    kept.add(k);
  }
  return [...kept].sort((a, b) => a - b);
}

/** What the end of a bar stands for: measures in one unit share it. */
export function scalesOf({ answer, baseline, oneUnit }) {
  const [ledger, occlusion] = ["ledger", "occlusion"].map((name) =>
    [...(answer[name] ?? []), ...(baseline?.[name] ?? [])].filter(Number.isFinite).map(Math.abs),
  );
  if (!oneUnit) return { survival: 1, ledger: reach(ledger), occlusion: reach(occlusion) };
  const both = reach([...ledger, ...occlusion]);
  return { survival: 1, ledger: both, occlusion: both };
}

/** The largest, unless it is a giant that would hide all others: it is cut, and marked so. */
function reach(sizes) {
  const [most = 1e-9, ...others] = [...sizes].sort((a, b) => b - a);
  const rest = others.find((value) => value < most / 2) ?? most;
  return Math.max(1e-9, Math.min(most, 2.5 * rest));
}

/** From the left for a share, from the middle for a signed number. */
function bar(name, value, usual, most) {
  if (!Number.isFinite(value)) return el("span", { class: "hint" }, "–");
  const signed = name !== "survival";
  const zero = signed ? 50 : 0;
  const reach = signed ? 50 : 100;
  const place = (x) => zero + Math.max(-1, Math.min(1, x / most)) * reach;
  const [from, to] = [Math.min(zero, place(value)), Math.max(zero, place(value))];
  const text = signed ? number(value, Math.abs(most) >= 100 ? 0 : 2) : percent(value);
  const track = el(
    "span",
    {
      class: ["track", name, value < 0 && "negative", Math.abs(value) > most * 1.001 && "over"]
        .filter(Boolean)
        .join(" "),
    },
    el("i", { class: "value", style: { left: `${from}%`, width: `${Math.max(to - from, 0.4)}%` } }),
    signed && el("i", { class: "zero", style: { left: "50%" } }),
    Number.isFinite(usual) &&
      el("i", {
        class: "usual",
        style: { left: `${place(usual)}%` },
        title: `${t("kept.baseline")} ${signed ? number(usual, 2) : percent(usual)}`,
      }),
  );
  return el("span", { class: "measure" }, track, el("span", { class: "number" }, text));
}
