// @ts-check
/** The story in the article's order, drawn: each chapter is something to do. */

import { el } from "../components/dom.js";
import { addTexts, t } from "../i18n.js";
import forecastTexts from "../texts/forecast.js";
import * as gradientTexts from "../texts/gradient.js";
import texts from "../texts/story.js";
import wayTexts from "../texts/way.js";
import { errorChapter } from "./story/error.js";
import { gatesChapter } from "./story/gates.js";
import { networkChapter } from "./story/network.js";
import { raceChapter } from "./story/race.js";
import { usesChapter } from "./story/uses.js";
import { vanishingChapter } from "./story/vanishing.js";

for (const some of [texts, forecastTexts, gradientTexts, wayTexts]) addTexts(some);
export const id = "story";

/** Each makes what stands in its chapter, and what ends it. */
const CHAPTERS = {
  network: networkChapter,
  error: errorChapter,
  race: raceChapter,
  vanishing: vanishingChapter,
  gates: gatesChapter,
  uses: usesChapter,
};

/** @param {HTMLElement} root @param {any} store */
export function mount(root, store) {
  const chapters = Object.entries(CHAPTERS).map(([name, make], k) => {
    const { element, destroy = () => {} } = make(store);
    return { name, section: chapter(name, k + 1, element), destroy };
  });
  root.append(
    el(
      "div",
      { class: "view-head" },
      el("h2", {}, t("story.title")),
      el("p", { class: "hint" }, t("story.intro")),
    ),
    contents(chapters),
    el(
      "div",
      { class: "story" },
      chapters.map(({ section }) => section),
    ),
  );
  return { destroy: () => chapters.forEach(({ destroy }) => destroy()) };
}

/** The chapters as a list; the hash of the address belongs to the views. */
function contents(chapters) {
  const go = (section) => () => {
    section.scrollIntoView({ block: "start" });
    section.querySelector("h3").focus({ preventScroll: true });
  };
  return el(
    "nav",
    { class: "story-contents", "aria-label": t("story.contents") },
    el(
      "ol",
      {},
      chapters.map(({ name, section }) =>
        el(
          "li",
          {},
          el("button", { data: { to: name }, onclick: go(section) }, t(`story.${name}`)),
        ),
      ),
    ),
  );
}

/** @param {string} name @param {number} at @param {Element} content */
function chapter(name, at, content) {
  return el(
    "section",
    { class: "panel story-chapter", data: { chapter: name }, "aria-labelledby": `chapter-${name}` },
    el(
      "h3",
      { id: `chapter-${name}`, tabindex: -1 },
      el("span", { class: "way-number", "aria-hidden": "true" }, String(at)),
      t(`story.${name}`),
    ),
    el("p", {}, t(`story.${name}-intro`)),
    content,
  );
}
