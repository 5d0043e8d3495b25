// @ts-check
/** View 5: small networks learn a task, here, while one watches. */

import { tableBehind } from "../components/data-table.js";
import { el } from "../components/dom.js";
import { addTexts, number, t } from "../i18n.js";
import { Session } from "../net/session.js";
import { SeriesError } from "../net/pasted.js";
import { keep, kept } from "../browser-store.js";
import { forgetTrained, keepTrained, openModel } from "../live.js";
import { pasteOwn } from "../own-series.js";
import { trainedModels, trainedName } from "../trained.js";
import * as texts from "../texts/train.js";
import { answer } from "./train/answer.js";
import { controls } from "./train/controls.js";
import { gateMaps } from "./train/gates.js";
import { GATES } from "./train/networks.js";
import { lossChart } from "./train/losses.js";
import { chosenTask, suggest, PACES, seriesText, settings } from "./train/settings.js";

addTexts(texts);
export const id = "train";

const BUDGET = 9; // milliseconds of a frame that training may take
const PICTURE = 120; // milliseconds between pictures of the example and its gates
const ROWS = 20; // of the table behind the curves
const CURVES = 50; // and between pictures of the curves
const KEPT = 5000; // and between two times that the browser keeps what was learned
const SESSION = { key: "session", format: 1 }; // as it does

/** What has been learned; kept while other views are looked at. @type {Session | null} */
let session = null;
/** The dates of the series that is learned. @type {string[] | null} */
let times = null;

/** What makes a session another one. */
const optionsNow = () => {
  const { task, steps, hidden, kinds, seed, optimizer, forgetBias } = settings;
  const text = task === "series" ? seriesText() : "";
  return JSON.stringify({ task, steps, hidden, kinds, seed, optimizer, forgetBias, text });
};

/** @param {HTMLElement} root @param {any} store */
export function mount(root, store) {
  suggest(store.state.input);
  const view = new TrainView(root, store);
  if (session) view.show();
  else {
    view.begin();
    view.goOn();
  }
  return { destroy: () => view.destroy() };
}

class TrainView {
  /** @param {HTMLElement} root @param {any} store */
  constructor(root, store) {
    this.store = store;
    this.running = false;
    this.owed = 0; // updates that the chosen pace still allows
    this.drawn = { curves: 0, example: 0, kept: 0 }; // when
    this.count = { since: 0, updates: 0 }; // to tell the speed
    this.controls = controls({
      start: () => (this.running ? this.pause() : this.start()),
      anew: () => this.begin(),
      paste: (text) => this.begin(text),
    });
    this.losses = lossChart();
    this.table = el("div", { class: "train-table", role: "status" });
    this.numbers = tableBehind(t("train.loss"), lossTable);
    this.gateNumbers = tableBehind(t("train.gatesTable"), gateTable);
    this.doors = el("div", { class: "train-doors" });
    this.keeps = el("p", { class: "hint train-keeps", role: "status" });
    this.answers = el("div", { class: "train-answers" });
    this.gates = el("div", { class: "panel train-gates" });
    root.append(
      el(
        "div",
        { class: "view-head" },
        el("h2", {}, t("train.title")),
        el("p", { class: "hint" }, t("train.intro")),
      ),
      el(
        "div",
        { class: "train-view" },
        this.controls.element,
        el(
          "div",
          { class: "panel train-losses" },
          el("h3", {}, t("train.loss")),
          this.losses.element,
          this.numbers.element,
          this.table,
          this.doors,
          this.keeps,
        ),
        this.example(),
        this.gates,
      ),
    );
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.losses.element);
  }

  example() {
    const another = () => {
      session?.another();
      this.drawExample();
    };
    return el(
      "div",
      { class: "panel train-example" },
      el(
        "div",
        { class: "train-example-head" },
        el("h3", {}, t("train.example")),
        el("button", { id: "train-another", onclick: another }, t("train.another")),
      ),
      this.answers,
    );
  }

  /** Networks that have learned nothing yet. @param {string} [text] a series that is pasted */
  begin(text) {
    try {
      if (text !== undefined) pasteOwn(text);
      const chosen = chosenTask();
      session = new Session(chosen.task, settings);
      ({ times } = chosen);
      this.controls.complain(null);
      this.sayKept(null);
    } catch (problem) {
      if (!(problem instanceof SeriesError)) throw problem;
      this.controls.complain(problem);
      this.pause();
    }
    this.show();
  }

  /** The session of an earlier visit, if it had these options. */
  async goOn() {
    const options = optionsNow();
    const found = await kept(SESSION.key);
    if (!session || session.updates > 0 || options !== optionsNow()) return;
    if (found?.format !== SESSION.format || found.options !== options) return;
    session.state = found.state;
    this.show();
    this.sayKept(true);
  }

  /** The browser keeps what was learned, if it keeps anything. */
  async keep() {
    this.drawn.kept = performance.now();
    if (!session?.updates) return;
    const { format, key } = SESSION;
    this.sayKept(await keep(key, { format, options: optionsNow(), state: session.state }));
  }

  /** @param {boolean | null} kept whether the browser keeps them; null for nothing to keep */
  sayKept(kept) {
    if (kept === null) return this.keeps.replaceChildren();
    if (this.keeps.dataset.kept === String(kept) && this.keeps.firstChild) return;
    this.keeps.dataset.kept = String(kept);
    const forget = () => this.forget();
    this.keeps.replaceChildren(
      t(kept ? "train.kept" : "train.notKept"),
      " ",
      kept ? el("button", { id: "train-forget", onclick: forget }, t("train.forget")) : "",
    );
  }

  async forget() {
    this.halt();
    this.begin();
    await forgetTrained(this.store);
    this.sayKept(null);
    document.getElementById("train-start")?.focus();
  }

  /** What there is of the session. */
  show() {
    if (!session) return;
    this.maps = gateMaps(session.trainers.map(({ kind }) => kind));
    this.gates.replaceChildren(
      el("h3", {}, t("train.gates")),
      el("p", { class: "hint" }, t("train.gatesHint")),
      this.maps.element,
      this.gateNumbers.element,
    );
    this.gates.hidden = this.maps.count === 0;
    this.doors.replaceChildren(
      el("span", { class: "hint" }, t("train.open")),
      ...session.trainers.map(({ kind }) => this.door(kind)),
    );
    this.count = { since: performance.now(), updates: session.updates };
    this.controls.update(this.running, session.updates > 0);
    this.draw();
  }

  start() {
    if (!session) return;
    this.running = true;
    this.before = performance.now();
    this.owed = 1;
    this.count = { since: this.before, updates: session.updates };
    this.controls.update(true, true);
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  halt() {
    this.running = false;
    cancelAnimationFrame(this.frame);
  }

  pause() {
    this.halt();
    this.controls.update(false, (session?.updates ?? 0) > 0);
    this.draw();
    this.keep();
  }

  /** One frame: learn for a few milliseconds, then draw what is due. @param {number} now */
  tick(now) {
    if (!this.running) return;
    const pace = PACES[settings.pace],
      passed = Math.max(0, now - this.before) / 1000;
    this.owed = pace < Infinity ? Math.min(this.owed + pace * passed, pace) : Infinity;
    this.before = now;
    if (this.owed >= 1)
      this.owed -= session.work(BUDGET, 10 ** settings.rate, Math.floor(this.owed));
    if (now - this.drawn.example > PICTURE) {
      this.drawn.example = now;
      this.drawExample();
    } else if (now - this.drawn.curves > CURVES) {
      this.drawn.curves = now;
      this.drawCurves();
    }
    if (now - this.drawn.kept > KEPT) this.keep();
    this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  draw() {
    if (!session) return;
    this.drawCurves();
    this.drawExample();
  }

  drawCurves() {
    this.losses.draw(session);
    const seconds = Math.max(1, performance.now() - this.count.since) / 1000;
    const speed = t("train.perSecond", number((session.updates - this.count.updates) / seconds, 0));
    this.table.replaceChildren(
      el(
        "span",
        { id: "train-updates", data: { updates: session.updates } },
        t("train.updates", session.updates),
        this.running ? ` · ${speed}` : "",
      ),
      ...session.trainers.map(result),
    );
  }

  door(kind) {
    return el(
      "button",
      { data: { network: kind, door: kind }, onclick: () => this.open(kind) },
      el("span", { class: "swatch" }),
      kind.toUpperCase(),
    );
  }

  /** The networks as they are now, in the other views. @param {string} kind */
  async open(kind) {
    this.pause();
    keepTrained(await trainedModels(session, times));
    await openModel(this.store, trainedName(kind));
    location.hash = session.task.name === "series" ? "forecast" : "way";
  }

  drawExample() {
    const outputs = new Map();
    for (const trainer of session.trainers) {
      const { output, record } = trainer.run(session.example);
      this.maps.draw(trainer.kind, record);
      outputs.set(trainer.kind, output);
    }
    this.answers.replaceChildren(answer(session, outputs));
    this.numbers.draw();
    this.gateNumbers.draw();
  }

  destroy() {
    if (this.running) this.keep();
    this.halt();
    this.watcher.disconnect();
  }
}

/** The curves: at most so many updates, evenly spaced, each with the mean that is drawn. */
function lossTable() {
  const { trainers, updates } = session;
  const count = Math.min(ROWS, updates);
  const at = Array.from({ length: count }, (_, k) => Math.round(((k + 1) * updates) / count));
  return {
    columns: [t("train.updatesColumn"), ...trainers.map(({ kind }) => kind.toUpperCase())],
    rows: at.map((until) => [
      until,
      ...trainers.map((trainer) => number(session.lossOf(trainer, until), 4)),
    ]),
  };
}

/** The gate maps: of each step of the example, the mean over units. */
function gateTable() {
  const columns = session.trainers.flatMap((trainer) => {
    const { record } = trainer.run(session.example);
    return GATES[trainer.kind].map((gate) => ({
      name: `${trainer.kind.toUpperCase()} · ${t(`train.gate.${gate}`)}`,
      means: meansOf(record.gates[gate], record.H),
    }));
  });
  return {
    columns: [t("page.step-column"), ...columns.map(({ name }) => name)],
    rows: Array.from({ length: session.task.steps }, (_, step) => [
      step + 1,
      ...columns.map(({ means }) => number(means[step], 3)),
    ]),
  };
}

/** @param {Float64Array} gate (T, H) @param {number} H */
const meansOf = (gate, H) =>
  Array.from({ length: gate.length / H }, (_, step) => {
    const row = gate.subarray(step * H, (step + 1) * H);
    return row.reduce((sum, value) => sum + value, 0) / H;
  });

/** @param {import("../net/trainer.js").Trainer} trainer */
function result(trainer) {
  const solved = session.solvedAt(trainer),
    loss = session.lossOf(trainer),
    says = session.lost(trainer) ? "train.lost" : "train.solvedAt";
  return el(
    "span",
    { data: { network: trainer.kind } },
    el("span", { class: "swatch" }),
    el("b", {}, trainer.kind.toUpperCase()),
    ` ${number(loss, loss < 0.01 ? 4 : 3)} `,
    el("small", {}, solved ? t(says, solved) : t("train.weights", trainer.size)),
  );
}
