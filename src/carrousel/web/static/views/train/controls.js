// @ts-check
/** The task, the networks and how they learn, under the hand. */

import { el } from "../../components/dom.js";
import { slider as rangeSlider } from "../../components/slider.js";
import { number, t } from "../../i18n.js";
import { pasteField } from "../../components/paste.js";
import { KINDS } from "./networks.js";
import { PACES, RANGES, seriesText, settings, TASK_NAMES } from "./settings.js";

/** @param {{start: () => void, anew: () => void, paste: (text: string) => void}} on anew: whatever
 * was learned no longer fits */
export function controls(on) {
  const start = el("button", { class: "primary", id: "train-start", onclick: on.start });
  const about = el("p", { class: "hint train-about" });
  const paste = pasteField({ name: "train", rows: 4, text: seriesText(), use: on.paste });
  const element = el(
    "div",
    { class: "panel train-controls" },
    el(
      "div",
      { class: "train-buttons" },
      start,
      el(
        "button",
        {
          id: "train-reset",
          onclick: () => {
            settings.seed++;
            on.anew();
          },
        },
        t("train.reset"),
      ),
    ),
    menu("task", TASK_NAMES, on),
    about,
    paste.element,
    slider("steps", 1, String, on.anew),
    slider("hidden", 1, String, on.anew),
    networks(on),
    slider("forgetBias", 0.5, (value) => number(value, 1), on.anew),
    el("small", { class: "hint" }, t("train.forgetBiasDoes")),
    slider("rate", 0.1, (value) => number(10 ** value, value < -2 ? 4 : 3)),
    menu("optimizer", ["adam", "sgd"], on),
    slider("pace", 1, paceName),
  );

  function update(running, begun) {
    start.dataset.running = String(running);
    start.textContent = t(running ? "train.pause" : begun ? "train.goOn" : "train.start");
    about.textContent = t(`train.about.${settings.task}`);
    paste.element.hidden = settings.task !== "series";
  }

  return { element, update, complain: paste.complain };
}

const paceName = (at) => (PACES[at] < Infinity ? t("train.perSecond", PACES[at]) : t("train.full"));

function menu(name, options, on) {
  const choose = (event) => {
    settings[name] = event.target.value;
    on.anew();
  };
  return el(
    "label",
    { class: "slider" },
    el("span", {}, t(`train.${name}`)),
    el(
      "select",
      { id: `train-${name}`, onchange: choose },
      options.map((one) =>
        el("option", { value: one, selected: one === settings[name] }, t(`train.${name}.${one}`)),
      ),
    ),
  );
}

function slider(name, step, show, changed = () => {}) {
  return rangeSlider({
    id: `train-${name}`,
    label: t(`train.${name}`),
    ...RANGES[name],
    step,
    value: settings[name],
    show,
    onchange: (value) => {
      settings[name] = value;
      changed();
    },
  }).element;
}

function networks(on) {
  const choose = (kind, box) => {
    const kinds = KINDS.filter((one) =>
      one === kind ? box.checked : settings.kinds.includes(one),
    );
    if (kinds.length === 0)
      box.checked = true; // one has to learn
    else {
      settings.kinds = kinds;
      on.anew();
    }
  };
  return el(
    "fieldset",
    { class: "train-kinds" },
    el("legend", {}, t("train.cells")),
    KINDS.map((kind) =>
      el(
        "label",
        { class: "check", data: { network: kind } },
        el("input", {
          type: "checkbox",
          value: kind,
          checked: settings.kinds.includes(kind),
          onchange: (event) => choose(kind, event.target),
        }),
        kind.toUpperCase(),
      ),
    ),
  );
}
