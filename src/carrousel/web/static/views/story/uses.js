// @ts-check
/** What it is used for: series, text, speech, markets, each with an example that lives here. */

import { el } from "../../components/dom.js";
import { t } from "../../i18n.js";
import { marketUse } from "./market.js";
import { seriesUse } from "./series.js";
import { speechUse } from "./speech.js";
import { textUse } from "./text.js";

const USES = { series: seriesUse, text: textUse, speech: speechUse, market: marketUse };
const DOORS = { series: "forecast", text: "way", market: "train" };

/** @param {any} store */
export function usesChapter(store) {
  const uses = Object.entries(USES).map(([name, make]) => ({ name, ...make(store) }));
  return {
    element: el(
      "div",
      { class: "story-uses" },
      uses.map(({ name, element }) =>
        el(
          "section",
          { class: "story-use", data: { use: name }, "aria-labelledby": `story-use-${name}` },
          el("h4", { id: `story-use-${name}` }, t(`story.uses-${name}`)),
          el("p", { class: "hint" }, t(`story.uses-${name}-does`)),
          element,
          DOORS[name] &&
            el("p", {}, el("a", { href: `#${DOORS[name]}` }, t(`story.uses-${name}-door`))),
        ),
      ),
    ),
    destroy: () => uses.forEach(({ destroy }) => destroy()),
  };
}
