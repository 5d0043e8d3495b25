// @ts-check
/** One row for each earlier step, three measures beside it, each with what is usual there. */

import { number, t } from "../i18n.js";
import { el } from "./dom.js";

/**
 * @param {{names: string[], answer: import("../asking.js").Answer, baseline: object|null,
 *   at: number, looked: number, onlook: (step: number) => void}} options
 */
export function keptTable({ names, answer, baseline, at, looked, onlook }) {
  const measures = ["survival", "ledger", "occlusion"].filter((name) => answer[name]);
  const sizes = Object.fromEntries(measures.map((name) => [name, size(name, answer, baseline)]));
  const rows = [];
  for (let k = 0; k <= at; k++) {
    rows.push(
      el(
        "tr",
        { class: k === looked ? "looked" : "", onclick: () => onlook(k) },
        el(
          "th",
          { scope: "row" },
          el(
            "button",
            {
              class: "row-name",
              "aria-pressed": String(k === looked),
              onclick: (event) => {
                event.stopPropagation();
                onlook(k);
              },
            },
            names[k],
          ),
        ),
        measures.map((name) =>
          el(
            "td",
            { data: { measure: name, value: answer[name][k] } },
            bar(name, answer[name][k], baseline?.[name][k], sizes[name]),
          ),
        ),
      ),
    );
  }
  return el(
    "table",
    {},
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", {}, ""),
        measures.map((name) =>
          el("th", { scope: "col" }, t(`kept.${name}`), el("small", {}, t(`kept.${name}-short`))),
        ),
      ),
    ),
    el("tbody", {}, rows),
  );
}

function size(name, answer, baseline) {
  if (name === "survival") return 1;
  const all = [...answer[name], ...(baseline?.[name] ?? [])].filter(Number.isFinite).map(Math.abs);
  const [most = 1e-9, ...others] = all.sort((a, b) => b - a);
  const rest = others.find((value) => value < most / 2) ?? most; // one giant would hide the others
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
  const text = signed
    ? number(value, Math.abs(most) >= 100 ? 0 : 2)
    : `${number(100 * value, 0)} %`;
  const track = el(
    "span",
    { class: `track ${name}${value < 0 ? " negative" : ""}` },
    el("i", { class: "value", style: { left: `${from}%`, width: `${Math.max(to - from, 0.4)}%` } }),
    signed && el("i", { class: "zero", style: { left: "50%" } }),
    Number.isFinite(usual) &&
      el("i", {
        class: "usual",
        style: { left: `${place(usual)}%` },
        title: `${t("kept.baseline")} ${number(usual, 2)}`,
      }),
  );
  return el("span", { class: "measure" }, track, el("span", { class: "number" }, text));
}
