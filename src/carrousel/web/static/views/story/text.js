// @ts-check
/** A sentence that the network writes on, word by word. */

import { nextWords } from "../../asking.js";
import { el } from "../../components/dom.js";
import { percent, t } from "../../i18n.js";
import { modelOf, openingsOf } from "../../live.js";
import { forward } from "../../net/forward.js";
import { knownModels } from "../../source.js";
import { breath } from "../../slices.js";
import { readSentence } from "../../tokenizer.js";
import { guessBar } from "../way/stations.js";

const SHOWN = 3; // guesses
const LONGEST = 30; // tokens

/** @param {any} store */
export function textUse(store) {
  const box = el("div", { class: "story-live" });
  const { model: open } = store.state;
  const language = open.meta.task === "language" && !open.meta.small && !open.meta.trained;
  const name = language ? open.name : knownModels().find(({ task }) => task === "language")?.name;
  if (!name) box.append(el("p", { class: "hint" }, t("story.uses-none")));
  else Promise.all([modelOf(name), breath()]).then(([model]) => box.append(writer(model)));
  return { element: box, destroy() {} };
}

/** @param {any} model */
function writer(model) {
  const [first] = openingsOf(model);
  const { begin } = model.meta.tokenizer;
  let text = first;
  const line = el("p", { class: "story-written", lang: model.meta.language, role: "status" });
  const guesses = el("div", { class: "story-bars" });
  const more = el(
    "button",
    { class: "primary", id: "story-write", onclick: write },
    t("way.continue"),
  );
  const again = el("button", { id: "story-rewrite", onclick: restart }, t("story.error-again"));
  let best = null;

  function write() {
    text += model.vocab[best.id].slice(readSentence(model, text).left.length);
    draw();
  }

  function restart() {
    text = first;
    draw();
  }

  function draw() {
    const { x, left } = readSentence(model, text);
    const record = forward(model, x);
    const words = nextWords(model, record, record.T - 1, left).slice(0, SHOWN);
    [best] = words;
    more.disabled = x.length >= LONGEST || best.id === begin;
    line.replaceChildren(first, el("b", {}, text.slice(first.length)));
    guesses.replaceChildren(
      ...words.map((word) =>
        guessBar(
          word.id === begin ? t("story.uses-ends") : word.text,
          word.probability,
          percent(word.probability, 1),
        ),
      ),
    );
  }

  draw();
  return el("div", {}, line, guesses, el("div", { class: "toolbar" }, more, again));
}
