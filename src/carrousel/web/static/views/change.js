// @ts-check
/** View: hold a gate open or shut, take another sentence's memory, and watch the next word. */

import { keepInAddress } from "../address.js";
import { nextWords } from "../asking.js";
import { el, oncePerFrame } from "../components/dom.js";
import { redraw as replace } from "../components/focus.js";
import { stepNames } from "../components/names.js";
import { guessParts, stepButtons } from "../components/steps.js";
import { addTexts, percent, t } from "../i18n.js";
import { CELLS } from "../net/cells.js";
import { forwardChanged, memoryOf } from "../net/changes.js";
import { forwardSlices } from "../net/forward.js";
import { sliced } from "../slices.js";
import texts from "../texts/change.js";
import { readSentence } from "../tokenizer.js";

addTexts(texts);
export const id = "change";
const GUESSES = 6;
const HELD = { "as-is": null, open: 1, shut: 0 };
/** What is changed; no gate: the one that keeps the memory, no other sentence: the example. */
const wish = keepInAddress(
  "change",
  { gate: "", held: "as-is", onwards: true, other: "", swap: false },
  { held: { among: Object.keys(HELD) } },
);

export function mount(root, store) {
  const { model } = store.state;
  const head = el("div", { class: "view-head" }, el("h2", {}, t("change.title")));
  if (model.meta.task !== "language") {
    root.append(head, el("p", { class: "hint" }, t("change.series")));
    return { destroy() {} };
  }
  head.append(el("p", { class: "hint" }, t("change.intro")));
  const { keeps } = CELLS[model.kind];
  const gates = CELLS[model.kind].gates
    .filter((name) => name !== "candidate")
    .sort((a, b) => Number(b === keeps) - Number(a === keeps)); // what keeps the memory first
  const words = el("div", { class: "kept-steps", data: { roving: "" } });
  const summary = el("p", { class: "summary", id: "change-summary", "aria-live": "polite" });
  const lists = [el("div", { class: "guesses" }), el("div", { class: "guesses" })];
  const redraw = oncePerFrame(draw);
  root.append(
    head,
    el(
      "div",
      { class: "kept" },
      el(
        "section",
        { class: "panel" },
        words,
        gates.length ? gateBar(model.kind, gates, redraw) : null,
        memoryBar(redraw),
        summary,
        el("p", { class: "hint" }, t("change.how")),
      ),
      el(
        "aside",
        { class: "panel" },
        el("h3", {}, t("change.before")),
        lists[0],
        el("h3", {}, t("change.after")),
        lists[1],
      ),
    ),
  );

  let turn = 0; // only the last one is drawn
  async function draw() {
    const { record, input, step } = store.state;
    const mine = ++turn;
    drawWords(words, input, step, store);
    const work = whatIf(model, record, input, step, gates);
    const changed = await sliced(work, () => mine !== turn);
    if (!changed || mine !== turn) return;
    const last = record.T - 1;
    const before = nextWords(model, record, last, input.left);
    const after = nextWords(model, changed, last, input.left);
    drawGuesses(lists[0], before);
    drawGuesses(lists[1], after);
    const same = changed === record;
    summary.replaceChildren(same ? t("change.nothing") : told(before, after));
  }

  const leave = store.subscribe((_, changed) => {
    if (changed.has("record") || changed.has("step")) redraw();
  });
  redraw();
  return {
    destroy() {
      leave();
      redraw.cancel();
      turn++;
    },
  };
}

/**
 * The run as it becomes; the one that is there where nothing is changed. The other's memory comes
 * first, so that a gate may act on it.
 * @returns {Generator<void, any>} slices.js runs it
 */
function* whatIf(model, record, input, step, gates) {
  const changes = heldOpen(model, record, step, gateOf(gates));
  if (wish.swap && otherText().trim()) {
    const { x } = readSentence(model, otherText());
    // a vocabulary of letters may know none of it
    const other = x.length ? yield* forwardSlices(model, x) : null;
    if (other) changes.unshift(...memoryOf(other, other.T - 1, step));
  }
  return changes.length ? yield* forwardChanged(model, input.x, changes) : record;
}

const gateOf = (gates) => (gates.includes(wish.gate) ? wish.gate : gates[0]);
const otherText = () => wish.other || t("change.other");

/** The gate that is held, in every layer. */
function heldOpen(model, record, step, gate) {
  const value = HELD[wish.held];
  if (value === null || gate === undefined) return [];
  const to = wish.onwards ? record.T - 1 : step;
  return model.layers.map((_, layer) => ({ layer, name: gate, from: step, to, value }));
}

function told(before, after) {
  const now = new Map(after.map((word) => [word.id, word.probability]));
  const moved = before.reduce((sum, { id, probability }) => {
    return sum + Math.max(0, probability - now.get(id));
  }, 0);
  const [was, is] = [before[0], after[0]];
  const first =
    was.id === is.id
      ? t("change.same", was.text, percent(was.probability, 1), percent(is.probability, 1))
      : t("change.differs", was.text, is.text, percent(is.probability, 1));
  return `${first} ${t("change.moved", percent(moved, 1))}`;
}

function gateBar(kind, gates, redraw) {
  const gate = el(
    "select",
    {
      id: "change-gate",
      "aria-label": t("change.gate"),
      onchange: () => set({ gate: gate.value }),
    },
    gates.map((name) =>
      el("option", { value: name, selected: name === gateOf(gates) }, t(`change.${kind}.${name}`)),
    ),
  );
  const held = Object.keys(HELD).map((name) =>
    el("button", { data: { held: name }, onclick: () => set({ held: name }) }, t(`change.${name}`)),
  );
  const onwards = el("input", {
    type: "checkbox",
    id: "change-onwards",
    checked: wish.onwards,
    onchange: () => set({ onwards: onwards.checked }),
  });
  const set = (some) => {
    Object.assign(wish, some);
    for (const one of held)
      one.setAttribute("aria-pressed", String(one.dataset.held === wish.held));
    redraw();
  };
  set({});
  return el("div", { class: "toolbar" }, gate, held, el("label", {}, onwards, t("change.onwards")));
}

function memoryBar(redraw) {
  const field = el("input", {
    type: "text",
    id: "change-other",
    value: otherText(),
    maxlength: 300,
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": t("change.memory"),
    oninput: () => {
      wish.other = field.value || " "; // nothing, which is not the example
      redraw();
    },
  });
  const swap = el("input", {
    type: "checkbox",
    id: "change-swap",
    checked: wish.swap,
    onchange: () => {
      wish.swap = swap.checked;
      redraw();
    },
  });
  return el(
    "div",
    { class: "toolbar" },
    el("label", {}, t("change.memory"), field),
    el("label", {}, swap, t("change.swap")),
  );
}

function drawWords(root, input, step, store) {
  replace(
    root,
    el("span", { class: "hint" }, t("change.word")),
    ...stepButtons(store, stepNames(input), step),
  );
}

function drawGuesses(root, words) {
  root.replaceChildren(
    ...words.slice(0, GUESSES).map(({ text, probability }) => {
      const parts = guessParts(text, probability / words[0].probability, percent(probability, 1));
      return el("div", { class: "guess" }, parts);
    }),
  );
}
