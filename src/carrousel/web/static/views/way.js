// @ts-check
/** The first view: the whole way from a word to the next one, live; each station is a door. */

import { askSentence, nextLogits } from "../asking.js";
import { el, oncePerFrame } from "../components/dom.js";
import { redraw as replace } from "../components/focus.js";
import { quotedToken, stepNames } from "../components/names.js";
import { stepButtons } from "../components/steps.js";
import { keepInAddress } from "../address.js";
import { addTexts, number, t } from "../i18n.js";
import { drawn } from "../net/stepping.js";
import { random } from "../net/random.js";
import { readInput } from "../live.js";
import { likelihood } from "../odds.js";
import { sliced } from "../slices.js";
import texts from "../texts/way.js";
import { readSentence } from "../tokenizer.js";
import { cellPicture } from "./way/cell-picture.js";
import { guessBars, strip } from "./way/stations.js";
import { guesses, MODES } from "./way/guesses.js";

addTexts(texts);
export const id = "way";

const settings = keepInAddress(
  "way",
  { mode: "loop", temperature: 0 },
  { mode: { among: MODES }, temperature: { min: 0, max: 2 } },
);
const draws = random(1);

/** @param {HTMLElement} root @param {any} store */
export function mount(root, store) {
  const view = new WayView(root, store);
  const leave = store.subscribe((_, changed) => {
    if (changed.has("model")) return;
    if (["record", "step", "input"].some((name) => changed.has(name))) view.redraw();
  });
  view.draw();
  return {
    destroy() {
      leave();
      view.destroy();
    },
  };
}

class WayView {
  /** @param {HTMLElement} root @param {any} store */
  constructor(root, store) {
    this.store = store;
    this.turn = 0; // counts questions: an old one's answer is dropped
    this.language = store.state.model.meta.task === "language";
    this.redraw = oncePerFrame(() => this.draw());
    this.words = el("div", { class: "way-words", data: { roving: "" } });
    this.rests = el("p", { class: "hint way-rests", role: "status" });
    this.stations = el("div", { class: "way-stations" });
    this.modes = el("div", { class: "segments", role: "group", "aria-label": t("way.modes") });
    root.append(
      el(
        "div",
        { class: "view-head" },
        el("h2", {}, t("way.title")),
        el("p", { class: "hint" }, t(this.language ? "way.intro" : "way.intro-series")),
      ),
      el(
        "section",
        { class: "panel way" },
        el("div", { class: "toolbar" }, this.modes, this.language && this.writing()),
        this.words,
        this.rests,
        this.stations,
      ),
    );
  }

  /** What appends the guess, and how boldly it is drawn. */
  writing() {
    const show = () => number(settings.temperature, 1);
    const output = el("output", { class: "number", for: "way-temperature" }, show());
    return el(
      "span",
      { class: "way-writing" },
      el(
        "button",
        { class: "primary", id: "way-continue", onclick: () => this.go() },
        t("way.continue"),
      ),
      el(
        "label",
        {},
        t("way.temperature"),
        el("input", {
          type: "range",
          id: "way-temperature",
          min: 0,
          max: 2,
          step: 0.1,
          value: settings.temperature,
          oninput: (event) => {
            settings.temperature = Number(event.target.value);
            output.textContent = show();
          },
        }),
        output,
      ),
    );
  }

  /** The next word is written behind the others. */
  go() {
    const { model, input, record } = this.store.state;
    const { left } = input;
    const logits = nextLogits(model, record, record.T - 1, left);
    const { begin } = model.meta.tokenizer;
    const cold = settings.temperature < 0.05;
    const next = cold
      ? logits.indexOf(Math.max(...logits))
      : drawn(logits, { begin: null, temperature: settings.temperature, draw: draws });
    if (next === begin) {
      this.rests.textContent = t("way.ends");
      return;
    }
    const longer = readSentence(model, input.text + model.vocab[next].slice(left.length));
    readInput(this.store, longer, Infinity);
  }

  draw() {
    const { state } = this.store;
    const { model, input, record } = state;
    const step = Math.min(state.step, record.T - 1);
    replace(this.modes, ...MODES.map((mode) => this.modeButton(mode)));
    this.drawWords(step, null);
    const found = guesses(state, step, settings.mode);
    const layer = record.layers[record.layers.length - 1];
    replace(
      this.stations,
      station(
        "input",
        1,
        el("b", { class: "way-read" }, this.nameOf(step)),
        t(this.language ? "way.input-does" : "way.series-does"),
      ),
      station(
        "numbers",
        2,
        strip(record.layers[0].input, record.layers[0], step, "I"),
        t("way.numbers-does", record.layers[0].I),
        "cell",
      ),
      station(
        "loop",
        3,
        cellPicture({ state, step, mode: settings.mode }),
        t(`way.${settings.mode}-does`),
        "cell",
      ),
      station(
        "state",
        4,
        strip(layer.hidden, layer, step, "H"),
        t("way.state-does", layer.H),
        "sequence",
      ),
      station(
        "head",
        5,
        guessBars(found),
        t(this.language ? "way.head-does" : "way.head-series"),
        this.language ? "kept" : "forecast",
      ),
    );
    this.ask(step, found);
  }

  modeButton(mode) {
    return el(
      "button",
      {
        "aria-pressed": String(mode === settings.mode),
        data: { mode },
        onclick: () => {
          settings.mode = mode;
          this.draw();
        },
      },
      t(`way.${mode}`),
    );
  }

  nameOf(step) {
    const { input } = this.store.state;
    return input.tokens ? quotedToken(input.tokens[step]) : (input.labels[step] ?? "");
  }

  /** The sentence, each word the darker the more the guess rests on it. */
  drawWords(step, answer) {
    const { input } = this.store.state;
    this.words.hidden = !input.tokens;
    if (!input.tokens) return;
    const size = (k) => (answer && Number.isFinite(answer[k]) ? Math.abs(answer[k]) : 0);
    const before = input.tokens.map((_, k) => (k < step ? size(k) : 0)); // the last one hides all
    const most = Math.max(0.3, ...before);
    replace(
      this.words,
      ...stepButtons(this.store, stepNames(input), step, (k) => ({
        class: k > step ? "word later" : "word",
        style: { "--rests": Math.min(1, size(k) / most).toFixed(3) },
        title:
          answer && Number.isFinite(answer[k]) ? t("way.without", likelihood(answer[k])) : null,
      })),
    );
  }

  /** What the guess rests on: the network reads again without each word. */
  async ask(step, found) {
    const mine = ++this.turn;
    const { model, record, input } = this.store.state;
    if (!this.language || settings.mode === "ann" || !found.length) {
      this.rests.textContent =
        settings.mode === "ann" && this.language
          ? t("way.ann-rests", quotedToken(input.tokens[step]))
          : "";
      return;
    }
    const work = askSentence(model, record, input.x, step, found[0].id);
    const answer = await sliced(work, () => mine !== this.turn);
    if (!answer || mine !== this.turn) return;
    this.drawWords(step, answer.occlusion);
    this.rests.textContent = t("way.rests", found[0].text);
  }

  destroy() {
    this.turn++;
    this.redraw.cancel();
  }
}

/** One station: its name is the door to the view that shows it in full. */
function station(name, at, picture, does, view = null) {
  const title = t(`way.station-${name}`);
  return el(
    "section",
    { class: "way-station", data: { station: name } },
    el(
      "h3",
      {},
      el("span", { class: "way-number", "aria-hidden": "true" }, String(at)),
      view ? el("a", { href: `#${view}` }, title) : title,
    ),
    el("div", { class: "way-picture" }, picture),
    el("p", { class: "hint" }, does),
  );
}
