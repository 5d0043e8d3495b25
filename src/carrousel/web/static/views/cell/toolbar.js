// @ts-check
/** Above the diagram: the kind of cell, which network, which unit, and the player. */

import { el } from "../../components/dom.js";
import { t } from "../../i18n.js";
import { TAUGHT } from "../../net/cells.js";
import { isSmall, openedModel } from "../../live.js";
import { hasOpened, showKind, showOpened, showSmall } from "./networks.js";
import { PACES } from "./player.js";

/**
 * @param {any} store @param {any} run the record of the layer that is shown
 * @param {import("./player.js").Player} player
 */
export function toolbar(store, run, player) {
  const slider = el("input", {
    type: "range",
    min: 0,
    max: run.H - 1,
    id: "cell-unit",
    oninput: () => store.set({ unit: Number(slider.value) }),
  });
  const label = el("output", { class: "number", for: "cell-unit" });
  const element = el(
    "div",
    { class: "toolbar" },
    kinds(store, run.kind),
    sizes(store, run.kind),
    el("label", { for: "cell-unit" }, t("cell.unit"), slider, label),
    el(
      "div",
      { class: "cell-player", role: "group", "aria-label": t("cell.operations") },
      playerButton("back", "−1", () => player.move(-1)),
      playerButton("forth", "+1", () => player.move(1)),
      paces(player),
    ),
    layers(store),
  );

  function update({ unit, units }) {
    slider.max = units - 1;
    slider.value = unit;
    label.textContent = String(unit);
  }

  return { element, update };
}

function kinds(store, current) {
  return segments(
    "cell.kind",
    [...TAUGHT].reverse().map((kind) =>
      el(
        "button",
        {
          "aria-pressed": String(kind === current),
          data: { kind },
          onclick: () => kind !== current && showKind(store, kind),
        },
        kind.toUpperCase(),
      ),
    ),
  );
}

/** The opened network or the small one, where both have this kind of cell. */
function sizes(store, kind) {
  if (!hasOpened(kind)) return null;
  const small = isSmall(store.state);
  const button = (pressed, units, onclick) =>
    el(
      "button",
      { "aria-pressed": String(pressed), onclick: () => !pressed && onclick() },
      t("cell.units", units),
    );
  return segments("cell.size", [
    button(!small, openedModel().hiddenSize, () => showOpened(store, kind)),
    button(small, 4, () => showSmall(store, kind)),
  ]);
}

function segments(label, buttons) {
  return el("div", { class: "segments", role: "group", "aria-label": t(label) }, buttons);
}

function layers(store) {
  const { record, layer } = store.state;
  if (record.layers.length < 2) return null;
  const options = record.layers.map((_, k) =>
    el("option", { value: k, selected: k === layer }, String(k + 1)),
  );
  return el(
    "label",
    {},
    t("cell.layer"),
    el(
      "select",
      {
        id: "cell-layer",
        onchange: (event) => store.set({ layer: Number(event.target.value) }),
      },
      options,
    ),
  );
}

function playerButton(name, sign, onclick) {
  const label = t(`cell.${name}`);
  return el(
    "button",
    { id: `cell-${name}`, title: label, "aria-label": `${sign} ${label}`, onclick },
    sign,
  );
}

function paces(player) {
  const options = Object.keys(PACES).map((name) =>
    el("option", { value: name, selected: name === player.pace }, t(`cell.pace.${name}`)),
  );
  return el(
    "select",
    {
      id: "cell-pace",
      "aria-label": t("cell.pace"),
      onchange: (event) => {
        player.pace = event.target.value;
      },
    },
    options,
  );
}
