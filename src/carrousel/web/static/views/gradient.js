// @ts-check
/** View 4: an error at the last step goes back through time, in three cells side by side. */

import { keepInAddress } from "../address.js";
import { el, oncePerFrame } from "../components/dom.js";
import { tableBehind } from "../components/data-table.js";
import { formula } from "../components/formula.js";
import { slider } from "../components/slider.js";
import { addTexts, number, t } from "../i18n.js";
import { TAUGHT } from "../net/cells.js";
import { errorFlow } from "../net/error-flow.js";
import { breath } from "../slices.js";
import * as texts from "../texts/gradient.js";
import { calm } from "./cell/flow.js";
import { chart } from "./gradient/chart.js";
import { lane, scientific } from "./gradient/lane.js";

addTexts(texts);
export const id = "gradient";

const KINDS = TAUGHT;
const JOURNEY = 3200; // milliseconds from the last step to the first
const STILLS = 5; // pictures of it where less motion is asked for
const CLIP = 1;
const FULL = 0.25; // learning rate at which the longest arrow of a network fills its lane

const SLIDERS = {
  steps: { min: 5, max: 100, step: 1, show: (value) => String(value) },
  scale: { min: 0.1, max: 5, step: 0.05, show: (value) => `× ${number(value, 2)}` },
  forgetBias: { min: -3, max: 6, step: 0.1, show: (value) => number(value, 1) },
  rate: { min: 0.01, max: 0.3, step: 0.01, show: (value) => number(value, 2) },
};

/** What the sliders are set to, at first as torch.nn's layers begin. */
const settings = keepInAddress(
  "gradient",
  { steps: 50, scale: 1, forgetBias: 0, rate: 0.2, seed: 1, clip: false },
  { ...SLIDERS, seed: { min: 0, max: 1e6 } },
);

/** @param {HTMLElement} root */
export function mount(root) {
  const view = new GradientView(root);
  view.compute();
  if (!calm()) view.send();
  return { destroy: () => view.destroy() };
}

class GradientView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.asked = false; // whether anything was changed since the flows were computed
    this.computing = false;
    this.from = 0; // the step that the error has come back to
    this.chart = chart();
    this.lanes = Object.fromEntries(KINDS.map((kind) => [kind, lane(kind)]));
    this.redraw = oncePerFrame(() => this.draw());
    this.recompute = oncePerFrame(() => this.compute());
    this.table = tableBehind(t("gradient.chart"), () => ({
      columns: [t("page.step-column"), ...KINDS.map((kind) => kind.toUpperCase())],
      rows: Array.from(this.flows?.[KINDS[0]].norms ?? [], (_, step) => [
        step,
        ...KINDS.map((kind) => scientific(this.flows[kind].norms[step])),
      ]),
    }));
    this.stage = el(
      "div",
      { class: "panel gradient-stage" },
      this.legend(),
      this.chart.element,
      KINDS.map((kind) => this.lanes[kind].element),
      this.formulas(),
      this.table.element,
    );
    root.append(
      el(
        "div",
        { class: "view-head" },
        el("h2", {}, t("gradient.title")),
        el("p", { class: "hint" }, t("gradient.intro")),
      ),
      el("div", { class: "gradient-view" }, this.controls(), this.stage),
    );
    this.watcher = new ResizeObserver(this.redraw);
    this.watcher.observe(this.stage);
  }

  controls() {
    const sliders = /** @type {(keyof typeof SLIDERS)[]} */ (Object.keys(SLIDERS));
    return el(
      "div",
      { class: "panel gradient-controls" },
      el(
        "button",
        { class: "primary", id: "gradient-send", onclick: () => this.send() },
        t("gradient.send"),
      ),
      sliders.map((name) => this.slider(name)),
      el(
        "label",
        { class: "check" },
        el("input", {
          type: "checkbox",
          id: "gradient-clip",
          checked: settings.clip,
          onchange: (event) => {
            settings.clip = event.target.checked;
            this.redraw();
          },
        }),
        t("gradient.clip"),
      ),
      el(
        "button",
        {
          id: "gradient-seed",
          onclick: () => {
            settings.seed++;
            this.recompute();
          },
        },
        t("gradient.seed"),
      ),
    );
  }

  /** @param {keyof typeof SLIDERS} name */
  slider(name) {
    const { element } = slider({
      id: `gradient-${name}`,
      label: t(`gradient.${name}`),
      ...SLIDERS[name],
      value: settings[name],
      onchange: (value) => {
        settings[name] = value;
        if (name === "rate") this.redraw();
        else this.recompute();
      },
    });
    element.append(el("small", { class: "hint" }, t(`gradient.${name}Does`)));
    return element;
  }

  legend() {
    const network = (kind) =>
      el("span", { data: { network: kind } }, el("span", { class: "swatch" }), kind.toUpperCase());
    return el(
      "div",
      { class: "legend" },
      el("span", {}, t("gradient.yAxis"), " ", formula(t("gradient.formula.norm"))),
      KINDS.map(network),
      el(
        "span",
        {},
        el("i", { class: "bound-key" }),
        t("gradient.bound"),
        formula(t("gradient.formula.bound")),
      ),
    );
  }

  formulas() {
    const part = (name) =>
      el(
        "div",
        { tabindex: 0, role: "group", "aria-label": t(`gradient.${name}`) },
        el("span", { class: "hint" }, t(`gradient.${name}`)),
        formula(t(`gradient.formula.${name}`), true),
      );
    return el("div", { class: "gradient-formulas" }, part("chain"), part("update"));
  }

  /** A kind after the other, so that the page answers between them; again if a slider was moved
   * meanwhile. */
  async compute() {
    this.stop();
    this.asked = true;
    if (this.computing) return;
    this.computing = true;
    while (this.asked) {
      this.asked = false;
      const flows = {};
      for (const kind of KINDS) {
        flows[kind] = errorFlow({ kind, ...settings });
        await breath();
      }
      this.flows = flows;
      this.table.draw();
      this.draw();
    }
    this.computing = false;
  }

  draw() {
    const width = this.lanes.rnn.element.clientWidth;
    if (width < 50 || !this.flows) return;
    const steps = this.flows.rnn.norms.length - 1, // as computed; the slider may be ahead
      { from } = this;
    this.chart.draw(this.flows, steps, { width, height: this.chartHeight(), from });
    for (const kind of KINDS) {
      const flow = this.flows[kind],
        longest = FULL * Math.max(...flow.shares);
      this.lanes[kind].draw(flow, steps, { width, from, rate: this.rate(kind), longest });
    }
  }

  chartHeight() {
    return Math.min(290, Math.max(170, innerHeight - 620));
  }

  /** The learning rate, after clipping. @param {string} kind */
  rate(kind) {
    const { gradient } = this.flows[kind];
    return settings.rate * (settings.clip ? Math.min(1, CLIP / gradient) : 1);
  }

  /** Lets the error travel from the last step to the first; in still pictures where less motion is
   * asked for. */
  send() {
    this.stop();
    const start = performance.now();
    const tick = (now) => {
      const share = Math.min(1, Math.max(0, (now - start) / JOURNEY));
      const passed = calm() ? Math.floor(share * STILLS) / STILLS : share;
      const from = settings.steps * (1 - passed);
      if (from !== this.from || share === 0) {
        this.from = from;
        this.draw();
      }
      if (share < 1) this.frame = requestAnimationFrame(tick);
    };
    tick(start);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.from = 0;
  }

  destroy() {
    this.stop();
    this.asked = false;
    this.redraw.cancel();
    this.recompute.cancel();
    this.watcher.disconnect();
  }
}
