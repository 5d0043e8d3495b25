// @ts-check
/** The page's head: the views as tabs, the model, language, theme and the tour. */

import { t } from "../i18n.js";
import { trainedHere } from "../live.js";
import { hearingModel } from "../source.js";
import { views } from "../views.js";
import { el } from "./dom.js";
import { redraw } from "./focus.js";

/**
 * @param {HTMLElement} root
 * @param {ReturnType<typeof import("../store.js").createStore>} store
 * @param {{models: {name: string, title: object, family?: string | null}[],
 *   actions: {open: (name: string) => void,
 *   language: () => void, theme: () => void, tour: () => void},
 *   share: HTMLElement}} options
 */
export function mountHeader(root, store, { models, actions, share }) {
  const other = store.state.lang === "fr" ? "EN" : "FR";
  const tabs = views
    .filter(({ hears }) => !hears || hearingModel())
    .map(({ id }) => el("a", { href: `#${id}`, class: "tab", data: { tab: id } }, t(`page.${id}`)));
  redraw(
    root,
    el("h1", {}, el("a", { class: "brand", href: "#way" }, logo(), el("span", {}, "carrousel"))),
    el("nav", { class: "tabs", "aria-label": t("page.views") }, tabs),
    el(
      "div",
      { class: "tools" },
      modelMenu(store, models, actions.open),
      share,
      el("button", { class: "primary", id: "tour-button", onclick: actions.tour }, t("page.tour")),
      el(
        "button",
        {
          onclick: actions.language,
          lang: store.state.lang === "fr" ? "en" : "fr",
          id: "language",
          "aria-label": `${other} ${t("page.language")}`,
        },
        other,
      ),
      el(
        "button",
        { onclick: actions.theme, id: "theme", "aria-label": t("page.theme") },
        store.state.theme === "dark" ? "☀" : "☾",
      ),
    ),
  );

  /** Marks the tab of the view that is shown. */
  return function mark(id) {
    for (const tab of tabs) {
      if (tab.dataset.tab === id) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    const here = tabs.find((tab) => tab.dataset.tab === id);
    here?.parentElement.scrollTo({ left: here.offsetLeft - 60 });
  };
}

/** One entry a family: its cells are chosen beside the sentence. */
function modelMenu(store, models, open) {
  const { lang, model } = store.state;
  const family = model?.meta.family;
  const trained = trainedHere();
  const first = ({ family, name }) =>
    !family || models.find((one) => one.family === family).name === name;
  const shown = models.filter(first);
  if (trained) shown.push({ name: trained.name, title: trained.meta.title, family: "trained" });
  const options = shown.map((one) =>
    el(
      "option",
      {
        value: one.name,
        selected: family ? one.family === family : one.name === model?.name,
      },
      one.title?.[lang] ?? one.name,
    ),
  );
  if (model?.meta.small)
    options.unshift(el("option", { selected: true, disabled: true }, t("page.small")));
  return el(
    "label",
    { class: "model", hidden: options.length < 2 },
    el("span", { class: "visually-hidden" }, t("page.model")),
    el("select", { id: "model", onchange: (event) => open(event.target.value) }, options),
  );
}

function logo() {
  const box = el("span", { class: "logo", "aria-hidden": "true" });
  return box;
}
