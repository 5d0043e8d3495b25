// @ts-check
/** Tables of numbers, and the numbers behind a picture as one that is made when it is opened. */

import { t } from "../i18n.js";
import { el } from "./dom.js";

/**
 * @param {(string | Node)[]} columns
 * @param {(string | number)[][]} rows the first of a row names it
 * @param {(row: number) => boolean} [best] whether a row stands out
 */
export function scoreTable(columns, rows, best = () => false) {
  return el(
    "table",
    { class: "scores" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        columns.map((name) => el("th", { scope: "col" }, name)),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map(([name, ...values], row) =>
        el(
          "tr",
          { class: best(row) ? "best" : null },
          el("th", { scope: "row" }, String(name)),
          values.map((value) => el("td", { class: "number" }, String(value))),
        ),
      ),
    ),
  );
}

/**
 * @param {string} caption
 * @param {() => {columns: string[], rows: (string | number)[][]}} make the first of a row names it
 */
export function tableBehind(caption, make) {
  const box = el("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": caption });
  const draw = () => {
    if (!details.open) return;
    const { columns, rows } = make();
    box.replaceChildren(scoreTable(columns, rows));
  };
  const details = el(
    "details",
    { class: "table-behind", ontoggle: draw },
    el("summary", {}, t("page.table", caption)),
    box,
  );
  return { element: details, draw };
}
