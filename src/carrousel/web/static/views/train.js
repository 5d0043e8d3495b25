// @ts-check
/** View 5: three small networks learn a task, here, while one watches. */

import { el } from "../components/dom.js";
import { addTexts, number, t } from "../i18n.js";
import { Session } from "../net/session.js";
import { adding, MOST_VALUES, readSeries, recall, series, SeriesError, sine } from "../net/tasks.js";
import * as texts from "../texts/train.js";
import { answer } from "./train/answer.js";
import { gateMaps } from "./train/gates.js";
import { lossChart } from "./train/losses.js";
import { KINDS } from "./train/networks.js";

addTexts(texts);
export const id = "train";

const BUDGET = 9; // milliseconds of a frame that training may take
const PICTURE = 120; // milliseconds between pictures of the example and its gates
const CURVES = 50; // and between pictures of the curves
const PACES = [1, 2, 5, 10, 20, 50, Infinity]; // updates a second
const TASKS = /** @type {Record<string, (steps: number) => any>} */ ({ recall, adding, sine });

/** What was chosen and what has been learned; kept while other views are looked at. */
const settings = {
  task: "recall", steps: 30, hidden: 12, kinds: [...KINDS], forgetBias: 2, rate: -2, pace: 6, seed: 1,
  optimizer: /** @type {"adam" | "sgd"} */ ("adam"), text: "",
};
/** @type {Session | null} */
let session = null;

/** @param {HTMLElement} root @param {any} store */
export function mount(root, store) {
  if (!settings.text) settings.text = firstSeries(store.state.input);
  const view = new TrainView(root);
  view.renew(session === null);
  return { destroy: () => view.destroy() };
}

/** Numbers to begin with: the series that the page shows, or a trend with seasons. @param {any} input */
function firstSeries(input) {
  const values = input?.values ? [...input.values].filter(Number.isFinite).slice(-200)
    : Array.from({ length: 96 }, (_, t0) => 100 + 0.8 * t0 + (18 + 0.15 * t0) * Math.sin((2 * Math.PI * t0) / 12) + 6 * Math.cos((2 * Math.PI * t0) / 4));
  return values.map((value) => Number(value.toPrecision(4))).join(" ");
}

class TrainView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.running = false;
    this.owed = 0; // updates that the chosen pace still allows
    this.pictured = { curves: 0, example: 0 };
    this.count = { since: 0, updates: 0 };
    this.losses = lossChart();
    this.table = el("div", { class: "train-table", role: "status" });
    this.answers = el("div", { class: "train-answers" });
    this.gatesBox = el("div", { class: "panel train-gates" });
    this.startButton = el("button", { class: "primary", id: "train-start", onclick: () => (this.running ? this.pause() : this.start()) });
    this.error = el("p", { class: "train-error", role: "alert", hidden: true });
    root.append(el("div", { class: "view-head" }, el("h2", {}, t("train.title")), el("p", { class: "hint" }, t("train.intro"))),
      el("div", { class: "train-view" }, this.controls(),
        el("div", { class: "panel train-losses" }, el("h3", {}, t("train.loss")), this.losses.element, this.table),
        el("div", { class: "panel train-example" }, el("div", { class: "train-example-head" }, el("h3", {}, t("train.example")),
          el("button", { id: "train-another", onclick: () => { session?.another(); this.drawExample(); } }, t("train.another"))), this.answers),
        this.gatesBox));
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.losses.element);
  }

  controls() {
    return el("div", { class: "panel train-controls" },
      el("div", { class: "train-buttons" }, this.startButton, el("button", { id: "train-reset", onclick: () => { settings.seed++; this.renew(true); } }, t("train.reset"))),
      this.menu("task", [...Object.keys(TASKS), "series"]), this.taskText(), this.paste(),
      this.slider("steps", 5, 60, 1, (value) => String(value), true),
      this.slider("hidden", 2, 32, 1, (value) => String(value), true), this.networks(),
      this.slider("forgetBias", -1, 6, 0.5, (value) => number(value, 1), true),
      this.slider("rate", -4, 0, 0.1, (value) => number(10 ** value, value < -2 ? 4 : 3), false),
      this.menu("optimizer", ["adam", "sgd"]),
      this.slider("pace", 0, PACES.length - 1, 1, (value) => (PACES[value] < Infinity ? t("train.perSecond", PACES[value]) : t("train.full")), false));
  }

  /** @param {"task" | "optimizer"} name @param {string[]} options */
  menu(name, options) {
    return el("label", { class: "slider" }, el("span", {}, t(`train.${name}`)), el("select", {
      id: `train-${name}`, onchange: (/** @type {any} */ event) => { settings[name] = event.target.value; this.renew(true); },
    }, options.map((one) => el("option", { value: one, selected: one === settings[name] }, t(`train.${name}.${one}`)))));
  }

  taskText() {
    this.about = el("p", { class: "hint train-about" });
    return this.about;
  }

  paste() {
    const field = el("textarea", { id: "train-series", rows: 4, spellcheck: "false", "aria-label": t("train.paste") }, settings.text);
    this.pasteBox = el("div", { class: "train-paste" }, field, el("button", {
      id: "train-use", onclick: () => { settings.text = field.value; this.renew(true); },
    }, t("train.use")), this.error);
    return this.pasteBox;
  }

  networks() {
    return el("fieldset", { class: "train-kinds" }, el("legend", {}, t("train.cells")), KINDS.map((kind) =>
      el("label", { class: "check", data: { network: kind } }, el("input", {
        type: "checkbox", value: kind, checked: settings.kinds.includes(kind), onchange: (/** @type {any} */ event) => this.choose(kind, event.target),
      }), kind.toUpperCase())));
  }

  /** @param {string} kind @param {HTMLInputElement} box */
  choose(kind, box) {
    const kinds = KINDS.filter((one) => (one === kind ? box.checked : settings.kinds.includes(one)));
    if (!kinds.length) box.checked = true; // one has to learn
    else {
      settings.kinds = kinds;
      this.renew(true);
    }
  }

  /** @param {"steps" | "hidden" | "forgetBias" | "rate" | "pace"} name @param {number} min @param {number} max @param {number} step
   *  @param {(value: number) => string} show @param {boolean} anew whether learning starts again */
  slider(name, min, max, step, show, anew) {
    const output = el("output", { class: "number", for: `train-${name}` }, show(settings[name]));
    return el("label", { class: "slider" }, el("span", {}, t(`train.${name}`), output), el("input", {
      type: "range", id: `train-${name}`, min, max, step, value: settings[name],
      oninput: (/** @type {any} */ event) => {
        settings[name] = Number(event.target.value);
        output.textContent = show(settings[name]);
        if (anew) this.renew(true);
      },
    }));
  }

  /** Networks that have learned nothing yet (or go on with those there are). @param {boolean} anew */
  renew(anew) {
    this.pasteBox.hidden = settings.task !== "series";
    this.about.textContent = t(`train.about.${settings.task}`);
    const task = anew ? this.task() : null;
    if (task) session = new Session(task, settings);
    if (!session) return;
    const { trainers } = session;
    this.maps = gateMaps(trainers.map(({ kind }) => kind));
    this.gatesBox.replaceChildren(el("h3", {}, t("train.gates")), el("p", { class: "hint" }, t("train.gatesHint")), this.maps.element);
    this.gatesBox.hidden = this.maps.count === 0;
    this.count = { since: performance.now(), updates: session.updates };
    this.label();
    this.draw();
  }

  /** The task that is chosen; null where a pasted series cannot be read. */
  task() {
    this.error.hidden = true;
    if (settings.task !== "series") return TASKS[settings.task](settings.steps);
    try {
      return series(readSeries(settings.text), settings.steps);
    } catch (problem) {
      if (!(problem instanceof SeriesError)) throw problem;
      this.error.textContent = t(`train.error.${problem.reason}`, problem.detail, MOST_VALUES);
      this.error.hidden = false;
      this.pause();
      return null;
    }
  }

  start() {
    if (!session) return;
    this.running = true;
    this.before = performance.now();
    this.owed = 1;
    this.count = { since: this.before, updates: session.updates };
    this.label();
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.running = false;
    cancelAnimationFrame(this.frame ?? 0);
    this.label();
    this.draw();
  }

  label() {
    this.startButton.textContent = t(this.running ? "train.pause" : session?.updates ? "train.goOn" : "train.start");
  }

  /** One frame: learn for a few milliseconds, then draw what is due. @param {number} now */
  tick(now) {
    if (!this.running || !session) return;
    const pace = PACES[settings.pace];
    this.owed = pace < Infinity ? Math.min(this.owed + (pace * Math.max(0, now - (this.before ?? now))) / 1000, pace) : Infinity;
    this.before = now;
    if (this.owed >= 1) this.owed -= session.work(BUDGET, 10 ** settings.rate, Math.floor(this.owed));
    if (now - this.pictured.example > PICTURE) {
      this.pictured.example = now;
      this.drawExample();
    } else if (now - this.pictured.curves > CURVES) {
      this.pictured.curves = now;
      this.drawCurves();
    }
    this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  draw() {
    if (!session) return;
    this.drawCurves();
    this.drawExample();
  }

  drawCurves() {
    if (!session) return;
    this.losses.draw(session);
    const speed = (1000 * (session.updates - this.count.updates)) / Math.max(1, performance.now() - this.count.since);
    this.table.replaceChildren(el("span", { id: "train-updates", data: { updates: session.updates } },
      t("train.updates", session.updates), this.running ? ` · ${t("train.perSecond", number(speed, 0))}` : ""),
    ...session.trainers.map((trainer) => this.result(trainer)));
  }

  /** @param {any} trainer */
  result(trainer) {
    const solved = /** @type {Session} */ (session).solvedAt(trainer), loss = /** @type {Session} */ (session).lossOf(trainer);
    return el("span", { data: { network: trainer.kind } }, el("span", { class: "swatch" }), el("b", {}, trainer.kind.toUpperCase()),
      ` ${number(loss, loss < 0.01 ? 4 : 3)} `, el("small", {}, solved ? t("train.solvedAt", solved) : t("train.weights", trainer.size)));
  }

  drawExample() {
    if (!session) return;
    const { example, trainers } = session;
    const outputs = new Map(trainers.map((trainer) => {
      const { output, record } = trainer.run(example);
      this.maps?.draw(trainer.kind, record);
      return [trainer.kind, output];
    }));
    this.answers.replaceChildren(answer(settings.task, session, outputs));
  }

  destroy() {
    this.running = false;
    cancelAnimationFrame(this.frame ?? 0);
    this.watcher.disconnect();
  }
}
