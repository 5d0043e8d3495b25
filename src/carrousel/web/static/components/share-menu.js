// @ts-check
/** What can be taken along: a link to what is shown, with or without controls, and the figures. */

import { linkTo } from "../address.js";
import { figuresIn, saveFigure } from "../figures.js";
import { t } from "../i18n.js";
import { flags } from "../saved.js";
import { el } from "./dom.js";

/** @param {() => string} view the view that is shown @param {() => void} look after flags changed
 * @param {() => boolean} alone whether the model is nowhere but in this browser */
export function shareMenu(view, look, alone) {
  const link = el("input", {
    type: "text",
    id: "share-link",
    readonly: true,
    "aria-label": t("page.link"),
    onfocus: () => link.select(),
  });
  const figures = el("ul", { class: "share-figures" });
  const own = el("p", { class: "hint" }, t("page.alone"));
  const choice = { hide: false, embed: false };

  function say() {
    const kept = { ...flags };
    Object.assign(flags, choice);
    link.value = `${location.href.split("#")[0]}${linkTo(view())}`;
    Object.assign(flags, kept);
  }

  const box = (name) =>
    el(
      "label",
      { class: "check" },
      el("input", {
        type: "checkbox",
        id: `share-${name}`,
        onchange: (event) => {
          choice[name] = event.target.checked;
          say();
        },
      }),
      t(`page.${name}`),
    );
  const save = (figure, kind) =>
    el(
      "button",
      {
        "aria-label": `${kind.toUpperCase()} ${figure.name}`,
        onclick: () => saveFigure(figure, kind),
      },
      kind.toUpperCase(),
    );
  const menu = el(
    "details",
    {
      class: "share",
      id: "share",
      ontoggle: () => {
        if (!menu.open) return;
        say();
        own.hidden = !alone();
        const found = figuresIn(document.getElementById("view"));
        figures.replaceChildren(
          ...found.map((one) =>
            el("li", {}, el("span", {}, one.name), save(one, "svg"), save(one, "png")),
          ),
        );
      },
      onkeydown: (event) => {
        if (event.key === "Escape") menu.open = false;
      },
    },
    el("summary", { role: "button" }, t("page.share")),
    el(
      "div",
      { class: "panel share-panel", data: { keys: "arrows" } },
      link,
      own,
      box("hide"),
      box("embed"),
      el(
        "button",
        {
          id: "present",
          "aria-pressed": String(flags.present),
          onclick: () => {
            flags.present = !flags.present;
            look();
            if (flags.present) document.documentElement.requestFullscreen?.().catch(() => {});
            else if (document.fullscreenElement) document.exitFullscreen();
          },
        },
        t("page.present"),
      ),
      el("h3", {}, t("page.figures")),
      figures,
    ),
  );
  return menu;
}
