// @ts-check
/** View 1: one step of one cell. Wires carry this step's numbers; each operation shows its sum. */

import { tableBehind } from "../components/data-table.js";
import { el } from "../components/dom.js";
import { focusIn, redraw } from "../components/focus.js";
import { quotedToken } from "../components/names.js";
import { addTexts, number, quoted, t } from "../i18n.js";
import * as texts from "../texts/cell.js";
import { arithmetic } from "./cell/arithmetic.js";
import { diagram } from "./cell/diagram.js";
import { flow } from "./cell/flow.js";
import { isSmall } from "../live.js";
import { busiest } from "./cell/networks.js";
import { spoken } from "./cell/output.js";
import { peek } from "./cell/peek.js";
import { Player } from "./cell/player.js";
import { SHAPES, STEPS } from "./cell/shapes.js";
import { toolbar } from "./cell/toolbar.js";
import { scalesOf } from "./cell/scales.js";
import { valuesOf } from "./cell/values.js";

addTexts(texts);
export const id = "cell";

const NARROW = 560; // pixels of the diagram below which it stands upright

/** @param {HTMLElement} root @param {any} store */
export function mount(root, store) {
  const view = new CellView(root, store);
  const leave = store.subscribe((_, changed) => view.react(changed));
  store.set({ ownClock: true, operation: store.state.playing ? store.state.operation : view.last });
  view.update();
  if (store.state.playing) view.player.play();
  return {
    destroy() {
      leave();
      view.destroy();
      store.set({ ownClock: false });
    },
  };
}

class CellView {
  /** @param {HTMLElement} root @param {any} store */
  constructor(root, store) {
    this.store = store;
    this.chosen = null; // the value whose arithmetic is shown; null: the operation's own
    this.narrow = false;
    this.player = new Player(store, {
      where: () => ({
        operation: this.operation,
        last: this.last,
        step: this.step,
        steps: this.run.T,
      }),
      flow: (operation, duration, done) =>
        this.flow.run(operation, this.values, this.unit, duration, done),
      stop: () => this.flow.stop(),
    });
    this.toolbar = toolbar(store, this.run, this.player);
    this.peek = peek();
    this.stage = el("div", { class: "cell-stage" });
    this.steps = el("div", {
      class: "cell-steps",
      role: "group",
      "aria-label": t("cell.operations"),
    });
    this.panel = el("div", { class: "cell-panel", "aria-live": "polite" });
    this.output = el("div", { class: "cell-output" });
    this.table = tableBehind(t("cell.table"), () => this.numbers());
    root.append(
      this.head(),
      el(
        "div",
        { class: "cell-view" },
        el(
          "div",
          { class: "panel cell-main" },
          this.toolbar.element,
          this.stage,
          legend(),
          this.table.element,
          this.peek.element,
        ),
        el("div", { class: "panel cell-side" }, this.steps, this.panel, this.output),
      ),
    );
    this.drawDiagram();
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.stage);
  }

  get run() {
    const { record, layer } = this.store.state;
    return record.layers[Math.min(layer ?? 0, record.layers.length - 1)];
  }
  get layer() {
    const { model, layer } = this.store.state;
    return model.layers[Math.min(layer ?? 0, model.layers.length - 1)];
  }
  get last() {
    return STEPS[this.run.kind].length - 1;
  }
  get step() {
    return Math.min(this.store.state.step, this.run.T - 1);
  }
  get operation() {
    return Math.min(this.store.state.operation, this.last);
  }
  get unit() {
    this.suggested ??= busiest(this.run);
    return Math.min(this.store.state.unit ?? this.suggested, this.run.H - 1);
  }

  head() {
    return el(
      "div",
      { class: "view-head" },
      el("h2", {}, t(`cell.title.${this.run.kind}`)),
      el("p", { class: "hint" }, t(isSmall(this.store.state) ? "cell.introSmall" : "cell.intro")),
    );
  }

  drawDiagram() {
    const back = focusIn(this.stage);
    this.flow?.stop();
    const values = valuesOf(this.layer, this.run, 0);
    this.drawing = diagram(SHAPES[this.run.kind][this.narrow ? "narrow" : "wide"], {
      kind: this.run.kind,
      units: (value) => values.get(value)?.value.length ?? 0,
      onoperation: (operation, value) => this.look(operation, value),
      onunit: (unit) => this.store.set({ unit }),
      onhover: (value, event) => this.hover(value, event),
    });
    this.flow = flow(this.drawing);
    this.stage.replaceChildren(this.drawing.element);
    back();
  }

  /** Upright on a phone. */
  resize() {
    const narrow = this.stage.clientWidth < NARROW;
    if (narrow === this.narrow) return;
    this.narrow = narrow;
    this.drawDiagram();
    this.update();
  }

  /** Shows the arithmetic of a value. @param {number} operation @param {string} value */
  look(operation, value) {
    this.store.set({ operation, playing: false });
    this.chosen = value;
    this.update();
  }

  /** @param {string | null} value @param {PointerEvent} event */
  hover(value, event) {
    this.drawing.highlight(value ?? this.chosen);
    const operation = value && this.values.get(value);
    if (!operation || event.pointerType === "touch") this.peek.hide();
    else this.peek.show(operation, this.unit, this.scale(operation.id), event);
  }

  /** @param {Set<string>} changed */
  react(changed) {
    if (changed.has("model")) return; // the page mounts the view again
    if (changed.has("record") || changed.has("layer")) this.renew(changed.has("layer"));
    if (changed.has("operation") || changed.has("step")) this.chosen = null;
    const { playing } = this.store.state,
      whole = this.operation >= this.last;
    if (changed.has("step") && !this.player.advancing && !playing && !whole) {
      this.store.set({ operation: this.last }); // the clock was moved by hand: show the whole step
      return;
    }
    if (changed.has("playing") && playing && whole) {
      if (changed.has("step"))
        this.store.set({ operation: 0 }); // from the beginning
      else this.player.advance(1);
      return;
    }
    if (
      ["record", "layer", "step", "operation", "unit", "playing"].some((name) => changed.has(name))
    )
      this.update();
    if (["playing", "operation", "step"].some((name) => changed.has(name))) this.player.play();
  }

  /** Another record; another layer may also have other sizes. @param {boolean} layer */
  renew(layer) {
    this.suggested = undefined;
    if (layer) this.drawDiagram();
  }

  update() {
    const { run, step, operation, unit, store } = this;
    this.values = valuesOf(this.layer, run, step);
    this.scale = scalesOf(this.layer, run);
    this.drawing.update(this.values, unit, operation, this.scale, this.inputName());
    this.drawing.highlight(this.chosen);
    this.toolbar.update({ unit, units: run.H });
    this.table.draw();
    redraw(this.steps, ...STEPS[run.kind].map((value, at) => this.stepButton(value, at)));
    this.panel.replaceChildren(
      arithmetic({
        layer: this.layer,
        run,
        t: step,
        kind: run.kind,
        id: this.chosen ?? STEPS[run.kind][operation],
        unit,
        values: this.values,
        names: (k) => this.nameOf(k),
      }),
    );
    const words = operation < this.last ? [] : spoken(store.state, step);
    this.output.hidden = words.length === 0;
    this.output.replaceChildren(...words);
  }

  /** Every value of every unit at this step; [h, x], which all units share, aside. */
  numbers() {
    const columns = STEPS[this.run.kind].filter((value) => value !== "join");
    return {
      columns: [t("cell.unit"), ...columns.map((value) => t(`cell.name.${value}`))],
      rows: Array.from({ length: this.run.H }, (_, unit) => [
        unit,
        ...columns.map((value) => number(this.values.get(value).value[unit], 3)),
      ]),
    };
  }

  /** @param {string} value @param {number} at */
  stepButton(value, at) {
    const name = t(`cell.name.${value}`);
    return el(
      "button",
      {
        class: at > this.operation ? "later" : "",
        data: { gate: this.values.get(value)?.role ?? "series" },
        "aria-pressed": String(at === this.operation),
        title: name,
        "aria-label": `${t(`cell.sign.${this.run.kind}.${value}`)} ${name}`,
        onclick: () => this.store.set({ operation: at, playing: false }),
      },
      t(`cell.sign.${this.run.kind}.${value}`),
    );
  }

  /** What the network reads at this step. */
  inputName() {
    const { input } = this.store.state;
    if (input.tokens) return quotedToken(input.tokens[this.step]);
    return input.labels?.[this.step] ?? "";
  }

  /** Inputs of the small network are letters; of others only numbered. @param {number} k */
  nameOf(k) {
    const { model, layer } = this.store.state;
    return isSmall(this.store.state) && !layer ? `x ${quoted(model.vocab[k])}` : `x ${k}`;
  }

  destroy() {
    this.player.stop();
    this.watcher.disconnect();
  }
}

function legend() {
  return el(
    "div",
    { class: "legend cell-legend" },
    el("span", {}, el("i", { class: "ramp gate-ramp" }), t("cell.gateScale")),
    el("span", {}, el("i", { class: "ramp signed-ramp" }), t("cell.stateScale")),
  );
}
