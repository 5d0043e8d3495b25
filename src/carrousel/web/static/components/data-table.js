// @ts-check
/** The numbers behind a picture, as a table that is made when it is opened. */

import { t } from "../i18n.js";
import { el } from "./dom.js";

/**
 * @param {string} caption
 * @param {() => {columns: string[], rows: (string | number)[][]}} make the first of a row names it
 */
export function tableBehind(caption, make) {
  const box = el("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": caption });
  const draw = () => {
    if (!details.open) return;
    const { columns, rows } = make();
    box.replaceChildren(
      el(
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
          rows.map(([name, ...values]) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, String(name)),
              values.map((value) => el("td", { class: "number" }, String(value))),
            ),
          ),
        ),
      ),
    );
  };
  const details = el(
    "details",
    { class: "table-behind", ontoggle: draw },
    el("summary", {}, t("page.table", caption)),
    box,
  );
  return { element: details, draw };
}
