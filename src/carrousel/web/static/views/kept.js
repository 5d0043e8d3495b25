// @ts-check
/** View 3: what is kept of each earlier step, and what the prediction owes to it. */

import { keepInAddress } from "../address.js";
import { askSentence, askSeries, nextWords, positionBaseline } from "../asking.js";
import { keptTable } from "../components/kept-table.js";
import { el, oncePerFrame } from "../components/dom.js";
import { stepNames } from "../components/names.js";
import { guessParts, stepButtons } from "../components/steps.js";
import { listKeys, redraw as replace } from "../components/focus.js";
import { digitsOf, largestOf } from "../components/scales.js";
import { readForecast } from "../forecaster.js";
import { addTexts, number, percent, quoted, t } from "../i18n.js";
import { recordAtFirst } from "../live.js";
import { likelihood } from "../odds.js";
import { sliced } from "../slices.js";
import texts from "../texts/kept.js";

addTexts(texts);
export const id = "kept";
const GUESSES = 8;
const WRITTEN = 16; // sentences behind the baseline
const NONE = -1;
/** The word or the steps ahead that are asked about, the likeliest or the first where there is none;
 * the earlier step that the summary speaks of. */
const settings = keepInAddress("kept", { target: NONE, looked: NONE });
/** What they were chosen in. @type {any} */
let about = recordAtFirst();

export function mount(root, store) {
  const { state } = store;
  choiceIn(state.record);
  const language = state.model.meta.task === "language";
  const baselined = language && state.model.meta.tokenizer.begin !== null;
  let turn = 0; // counts answers: an old one's baseline is dropped
  const summary = el("p", { class: "summary", id: "kept-summary", "aria-live": "polite" });
  const table = el("div", { class: "kept-table", data: { roving: "" } });
  const guesses = el("div", { class: "guesses", id: "guesses", data: { roving: "" } });
  const steps = el("div", { class: "kept-steps", data: { roving: "" } });
  const foot = el("p", { class: "hint", id: "kept-error" });
  root.append(
    el(
      "div",
      { class: "view-head" },
      el("h2", {}, t("kept.title")),
      el("p", { class: "hint" }, t("kept.intro")),
    ),
    el(
      "div",
      { class: "kept" },
      el("section", { class: "panel" }, steps, summary, table, foot),
      el(
        "aside",
        { class: "panel" },
        el("h3", {}, t(language ? "kept.next" : "kept.ahead")),
        guesses,
        el(
          "details",
          { open: true },
          el("summary", {}, t("kept.how")),
          ["survival", "ledger", "occlusion", baselined && "baseline", "honest"]
            .filter(Boolean)
            .map((name) =>
              el(
                "p",
                { class: "hint" },
                el("b", {}, t(`kept.${name}`)),
                " ",
                t(`kept.${name}-means`),
              ),
            ),
        ),
      ),
    ),
  );

  listKeys(table);
  listKeys(guesses);
  const redraw = oncePerFrame(draw);
  let all = false; // whether every row is shown
  async function draw() {
    const mine = ++turn;
    const canceled = () => mine !== turn;
    const { model, record, input, step: at } = store.state;
    const asked = language
      ? askedWord(model, record, input, at, settings.target)
      : askedStep(model, input, record, at, settings.target);
    const names = stepNames(input);
    drawSteps(steps, names, at, store);
    drawGuesses(guesses, asked, choose, language);
    const work = language
      ? askSentence(model, record, input.x, at, asked.id)
      : askSeries(model, input, record, at, asked.id);
    const answer = await sliced(work, canceled);
    if (!answer || canceled()) return;
    const show = (baseline) => {
      const looked = lookedAt(at) ?? interesting(names, answer, at);
      summary.replaceChildren(...sentence(names, asked, answer, baseline, looked, at, language));
      replace(
        table,
        keptTable({
          names,
          answer,
          baseline,
          at,
          looked,
          all,
          oneUnit: !language,
          onlook: (step) => {
            settings.looked = step;
            show(baseline);
          },
          onall: () => {
            all = true;
            show(baseline);
          },
        }),
      );
    };
    show(baselines.get(model)?.get(at + 1) ?? null);
    foot.textContent = answer.ledger
      ? t("kept.error", answer.error.toExponential(0))
      : t(answer.survival ? "kept.ahead-only" : "kept.rnn");
    if (!baselined) return; // it writes no lines itself
    const baseline = await baselineOf(model, at + 1, canceled);
    if (baseline && !canceled()) show(baseline);

    function choose(id) {
      settings.target = id;
      redraw();
    }
  }

  const leave = store.subscribe((_, changed) => {
    if (changed.has("record")) choiceIn(store.state.record);
    if (changed.has("record") || changed.has("step")) redraw();
  });
  redraw();
  return {
    destroy() {
      turn++;
      leave();
      redraw.cancel();
    },
  };
}

/** What was chosen in another sentence or series is no choice in this one. */
function choiceIn(record) {
  if (about !== record) Object.assign(settings, { target: NONE, looked: NONE });
  about = record;
}

const baselines = new WeakMap();

async function baselineOf(model, length, canceled) {
  const known = baselines.get(model) ?? baselines.set(model, new Map()).get(model);
  if (!known.has(length)) {
    const found = await sliced(positionBaseline(model, length, WRITTEN), canceled);
    if (found) known.set(length, found);
  }
  return known.get(length);
}

function askedWord(model, record, input, at, target) {
  const words = nextWords(model, record, at, input.left);
  const chosen = words.find((word) => word.id === target) ?? words[0];
  const shown = words.slice(0, GUESSES);
  return { ...chosen, words: shown.includes(chosen) ? shown : [...shown, chosen] };
}

function askedStep(model, input, record, at, target) {
  const { quantiles } = readForecast(model, input, record, at);
  const ahead = quantiles[target] ? target : 0;
  const words = quantiles.map((row, id) => ({ id, low: row[3], median: row[5], high: row[7] }));
  return {
    id: ahead,
    text: t("kept.step", ahead + 1),
    words,
    median: words[ahead].median,
    digits: Math.max(1, digitsOf(largestOf(words.map((word) => word.median)))),
  };
}

/** The earlier step that was chosen, if it is one. @param {number} at */
const lookedAt = (at) =>
  Number.isInteger(settings.looked) && settings.looked >= 0 && settings.looked <= at
    ? settings.looked
    : null;

/** The word that the article is about, or else the step without which most changes. */
function interesting(names, { occlusion }, at) {
  const hamburger = names.indexOf("hamburger");
  if (hamburger > 0 && hamburger < at) return hamburger;
  let best = Math.max(at - 1, 0);
  for (let t = 0; t < at; t++) {
    if (Math.abs(occlusion[t]) > Math.abs(occlusion[best])) best = t;
  }
  return best;
}

function sentence(names, asked, answer, baseline, looked, at, language) {
  const quote = (name) => el("b", {}, language ? quoted(name) : name);
  const parts = [
    t("kept.from"),
    " ",
    quote(names[at]),
    language
      ? t("kept.guess", quoted(asked.text), percent(asked.probability, 1))
      : t("kept.median", asked.text, number(asked.median, asked.digits)),
  ];
  if (answer.survival && looked !== at) {
    parts.push(
      t("kept.of-what"),
      " ",
      quote(names[looked]),
      t("kept.wrote", percent(answer.survival[looked])),
    );
    if (baseline) parts.push(t("kept.usual", percent(baseline.survival[looked])));
    parts.push(".");
  }
  if (Number.isFinite(answer.occlusion[looked])) {
    parts.push(without(answer.occlusion[looked], language, asked.digits));
    if (Number.isFinite(baseline?.occlusion[looked]))
      parts.push(t("kept.without-usual", likelihood(baseline.occlusion[looked])));
    parts.push(".");
  }
  return parts;
}

/** What would be without the step; a loss below zero is a gain. */
function without(lost, language, digits) {
  if (language) return t("kept.without", likelihood(lost));
  return t(lost < 0 ? "kept.higher" : "kept.lower", number(Math.abs(lost), digits));
}

function drawSteps(root, names, at, store) {
  const { tokens } = store.state.input;
  replace(
    root,
    el("span", { class: "hint" }, t("kept.moment")),
    ...stepButtons(store, tokens ? names : names.map((_, k) => String(k + 1)), at, (k) => ({
      class: k > at ? "word later" : "word",
      "aria-label": tokens ? undefined : `${k + 1} ${names[k]}`,
    })),
  );
}

function drawGuesses(root, asked, choose, language) {
  const most = Math.max(
    1e-9,
    ...asked.words.map((word) => (language ? word.probability : Math.abs(word.median))),
  );
  replace(
    root,
    ...asked.words.map((word) => {
      const share = (language ? word.probability : Math.abs(word.median)) / most;
      const value = language ? percent(word.probability, 1) : number(word.median, asked.digits);
      return el(
        "button",
        {
          class: "guess",
          "aria-pressed": String(word.id === asked.id),
          tabindex: word.id === asked.id ? 0 : -1,
          onclick: () => choose(word.id),
        },
        guessParts(language ? word.text : t("kept.step", word.id + 1), share, value),
      );
    }),
  );
}
