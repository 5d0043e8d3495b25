// @ts-check
/** View 1: one step of one cell. Wires carry this step's numbers; each operation shows its sum. */

import { el } from "../components/dom.js";
import { addTexts, number, t } from "../i18n.js";
import { softmax } from "../net/forward.js";
import * as texts from "../texts/cell.js";
import { arithmetic } from "./cell/arithmetic.js";
import { diagram } from "./cell/diagram.js";
import { calm, flow } from "./cell/flow.js";
import { busiest, isSmall, openedOf, remember, showOpened, showSmall } from "./cell/networks.js";
import { peek } from "./cell/peek.js";
import { SHAPES, STEPS } from "./cell/shapes.js";
import { scaleOf, valuesOf } from "./cell/values.js";

addTexts(texts);
export const id = "cell";

const NARROW = 560; // pixels of the diagram below which it stands upright
const PACES = { slow: 3200, medium: 1700, fast: 800 }; // milliseconds an operation
let pace = "medium";

/** @param {HTMLElement} root @param {any} store */
export function mount(root, store) {
  if (!store.state.record) showSmall(store, store.state.kind);
  remember(store.state);
  const view = new CellView(root, store);
  const leave = store.subscribe((/** @type {any} */ _, /** @type {Set<string>} */ changed) => view.react(changed));
  store.set({ ownClock: true, operation: store.state.playing ? store.state.operation : view.last });
  view.update();
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
    this.peek = peek();
    this.stage = el("div", { class: "cell-stage" });
    this.steps = el("div", { class: "cell-steps", role: "group", "aria-label": t("cell.operations") });
    this.panel = el("div", { class: "cell-panel", "aria-live": "polite" });
    this.output = el("div", { class: "cell-output" });
    root.append(this.head(), el("div", { class: "cell-view" },
      el("div", { class: "panel cell-main" }, this.toolbar(), this.stage, this.legend(), this.peek.element),
      el("div", { class: "panel cell-side" }, this.steps, this.panel, this.output)));
    this.narrow = false;
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
  get kind() { return this.run.kind; }
  get last() { return STEPS[this.kind].length - 1; }
  get step() { return Math.min(this.store.state.step, this.run.T - 1); }
  get operation() { return Math.min(this.store.state.operation, this.last); }
  get unit() { return Math.min(this.store.state.unit ?? (this.suggested ??= busiest(this.run)), this.run.H - 1); }

  head() {
    const small = isSmall(this.store.state);
    return el("div", { class: "view-head" }, el("h2", {}, t(`cell.title.${this.kind}`)),
      el("p", { class: "hint" }, t(small ? "cell.introSmall" : "cell.intro")));
  }

  toolbar() {
    const { store } = this;
    const kinds = ["lstm", "gru", "rnn"].map((kind) => el("button", {
      "aria-pressed": String(kind === this.kind), data: { kind }, onclick: () => this.choose(kind),
    }, kind.toUpperCase()));
    this.slider = el("input", {
      type: "range", min: 0, max: this.run.H - 1, id: "cell-unit",
      oninput: (/** @type {any} */ event) => store.set({ unit: Number(event.target.value) }),
    });
    this.unitLabel = el("output", { class: "number", for: "cell-unit" });
    return el("div", { class: "toolbar" },
      el("div", { class: "segments", role: "group", "aria-label": t("cell.kind") }, kinds), this.sizes(),
      el("label", { for: "cell-unit" }, t("cell.unit"), this.slider, this.unitLabel), this.player(), this.layers());
  }

  legend() {
    return el("div", { class: "legend cell-legend" },
      el("span", {}, el("i", { class: "ramp gate-ramp" }), t("cell.gateScale")),
      el("span", {}, el("i", { class: "ramp signed-ramp" }), t("cell.stateScale")));
  }

  /** Small or whole network, where there is a choice. */
  sizes() {
    const whole = openedOf(this.kind);
    if (!whole) return null;
    const small = isSmall(this.store.state);
    const button = (/** @type {boolean} */ isOne, /** @type {string} */ text, /** @type {() => void} */ go) =>
      el("button", { "aria-pressed": String(isOne), onclick: go }, text);
    return el("div", { class: "segments", role: "group", "aria-label": t("cell.size") },
      button(!small, t("cell.units", whole.hiddenSize), () => showOpened(this.store)),
      button(small, t("cell.units", 4), () => showSmall(this.store, this.kind)));
  }

  layers() {
    const { record, layer } = this.store.state;
    if (record.layers.length < 2) return null;
    return el("label", {}, t("cell.layer"), el("select", {
      id: "cell-layer", onchange: (/** @type {any} */ event) => this.store.set({ layer: Number(event.target.value) }),
    }, record.layers.map((/** @type {any} */ _, /** @type {number} */ k) => el("option", { value: k, selected: k === layer }, String(k + 1)))));
  }

  player() {
    const button = (/** @type {string} */ name, /** @type {string} */ sign, /** @type {() => void} */ go) =>
      el("button", { id: `cell-${name}`, title: t(`cell.${name}`), "aria-label": t(`cell.${name}`), onclick: go }, sign);
    this.playButton = button("play", "▶", () => this.toggle());
    return el("div", { class: "cell-player", role: "group", "aria-label": t("cell.operations") },
      button("back", "−1", () => this.move(-1)), this.playButton, button("forth", "+1", () => this.move(1)),
      el("select", { id: "cell-pace", "aria-label": t("cell.pace"), onchange: (/** @type {any} */ event) => { pace = event.target.value; this.play(); } },
        Object.keys(PACES).map((name) => el("option", { value: name, selected: name === pace }, t(`cell.pace.${name}`)))));
  }

  /** @param {string} kind */
  choose(kind) {
    if (kind === this.kind) return;
    if (openedOf(kind) && !isSmall(this.store.state)) showOpened(this.store);
    else showSmall(this.store, /** @type {any} */ (kind));
  }

  drawDiagram() {
    this.flow?.stop();
    const values = valuesOf(this.layer, this.run, 0), { store } = this;
    this.drawing = diagram(SHAPES[this.kind][this.narrow ? "narrow" : "wide"], {
      kind: this.kind, units: (one) => values.get(one)?.value.length ?? 0,
      onoperation: (op, one) => { store.set({ operation: op, playing: false }); this.look(one); },
      onunit: (unit) => store.set({ unit }), onhover: (one, event) => this.hover(one, event),
    });
    this.flow = flow(this.drawing);
    this.stage.replaceChildren(this.drawing.element);
  }

  /** Upright on a phone. */
  resize() {
    const narrow = this.stage.clientWidth < NARROW;
    if (narrow === this.narrow) return;
    this.narrow = narrow;
    this.drawDiagram();
    this.update();
  }

  /** @param {string | null} value */
  look(value) {
    this.chosen = value;
    this.update();
  }

  /** @param {string | null} value @param {any} event */
  hover(value, event) {
    this.drawing.highlight(value);
    const operation = value && this.values.get(value);
    if (!operation || event.pointerType === "touch") this.peek.hide();
    else this.peek.show(operation, this.unit, operation.role === "cell" ? this.scale : 1, event);
  }

  toggle() {
    const { playing, step } = this.store.state;
    const over = this.operation >= this.last && step >= this.run.T - 1;
    this.store.set({ playing: !playing, ...(!playing && over ? { step: 0, operation: 0 } : {}) });
  }

  /** One operation on or back; past the ends of a step into the next or the one before. @param {number} by */
  move(by) {
    this.store.set({ playing: false });
    this.advance(by);
  }

  /** @param {number} by @returns {boolean} whether there was anywhere to go */
  advance(by) {
    const next = this.operation + by, step = this.step + by;
    if (next >= 0 && next <= this.last) this.store.set({ operation: next });
    else if (step >= 0 && step < this.run.T) this.store.set({ step, operation: by > 0 ? 0 : this.last });
    else return false;
    return true;
  }

  /** Lets the current operation happen, then the next. */
  play() {
    clearTimeout(this.timer);
    this.flow.stop();
    if (!this.store.state.playing) return;
    const next = () => {
      if (!this.store.state.playing) return;
      if (!this.advance(1)) this.store.set({ playing: false });
    };
    const time = PACES[/** @type {keyof typeof PACES} */ (pace)];
    if (calm()) this.timer = setTimeout(next, time);
    else this.flow.run(this.operation, this.values, this.unit, time * 0.72, () => { this.timer = setTimeout(next, time * 0.28); });
  }

  /** @param {Set<string>} changed */
  react(changed) {
    if (changed.has("model")) return; // the page mounts the view again
    if (changed.has("record") || changed.has("layer")) this.renew(changed.has("layer"));
    if (changed.has("operation") || changed.has("step")) this.chosen = null;
    if (changed.has("playing") && this.store.state.playing && this.operation >= this.last) {
      this.advance(1); // from a step that is complete to the next
      if (this.store.state.step >= this.run.T) return;
    }
    if (["record", "layer", "step", "operation", "unit", "playing"].some((name) => changed.has(name))) this.update();
    if (["playing", "operation", "step"].some((name) => changed.has(name))) this.play();
  }

  /** @param {boolean} layer another layer may have other sizes */
  renew(layer) {
    this.suggested = undefined;
    if (!layer) return;
    this.slider.max = this.run.H - 1;
    this.drawDiagram();
  }

  update() {
    const { run, step, operation, unit } = this;
    this.values = valuesOf(this.layer, run, step);
    this.scale = scaleOf(run);
    this.drawing.update(this.values, unit, operation, this.scale, this.inputName());
    const shown = this.chosen ?? STEPS[run.kind][operation];
    this.drawing.highlight(this.chosen);
    this.slider.value = unit;
    this.unitLabel.textContent = String(unit);
    this.playButton.textContent = this.store.state.playing ? "❚❚" : "▶";
    this.steps.replaceChildren(...STEPS[run.kind].map((one, op) => this.stepButton(one, op)));
    this.panel.replaceChildren(arithmetic({
      layer: this.layer, run, t: step, kind: run.kind, id: shown, unit, values: this.values, names: (k) => this.nameOf(k),
    }));
    this.drawOutput();
  }

  /** @param {string} value @param {number} op */
  stepButton(value, op) {
    return el("button", {
      class: op > this.operation ? "later" : "", data: { gate: this.values.get(value)?.role ?? "series" },
      "aria-pressed": String(op === this.operation), title: t(`cell.name.${value}`), "aria-label": t(`cell.name.${value}`),
      onclick: () => this.store.set({ operation: op, playing: false }),
    }, t(`cell.sign.${this.kind}.${value}`));
  }

  /** What the network reads at this step. */
  inputName() {
    const { input } = this.store.state;
    if (input.tokens) return t("cell.token", input.tokens[this.step]?.text ?? "");
    return input.labels?.[this.step] ?? "";
  }

  /** Inputs of the small network are letters; of others only numbered. @param {number} k */
  nameOf(k) {
    const { model, layer } = this.store.state;
    return isSmall(this.store.state) && !layer ? `x « ${model.vocab[k]} »` : `x ${k}`;
  }

  /** What the network says after this step, where it says words. */
  drawOutput() {
    const { record, model } = this.store.state;
    this.output.hidden = !model.vocab || !record.output || this.operation < this.last;
    if (this.output.hidden) return;
    const size = record.output.length / record.T;
    const chances = softmax(record.output.subarray(this.step * size, (this.step + 1) * size));
    const best = [...chances.keys()].sort((a, b) => chances[b] - chances[a]).slice(0, 3);
    this.output.replaceChildren(el("span", { class: "hint" }, t(isSmall(this.store.state) ? "cell.says" : "cell.next")),
      ...best.map((k) => el("span", { class: "cell-guess", style: { "--share": String(chances[k]) } }, el("b", {}, model.vocab[k]), ` ${number(100 * chances[k], 0)} %`)));
  }

  destroy() {
    clearTimeout(this.timer);
    this.flow.stop();
    this.watcher.disconnect();
  }
}
