// @ts-check
/** View: speak or open a recording, and watch a network hear it. */

import { tableBehind } from "../components/data-table.js";
import { el, oncePerFrame } from "../components/dom.js";
import { heatmap } from "../components/heatmap.js";
import { ticks } from "../components/scales.js";
import { guessParts } from "../components/steps.js";
import { addTexts, number, percent, t } from "../i18n.js";
import { CELLS } from "../net/cells.js";
import { loadModel } from "../net/load.js";
import { sliced } from "../slices.js";
import { fetchModel, hearingModel } from "../source.js";
import { Heard } from "../sound/heard.js";
import { decodedFile, openMicrophone } from "../sound/microphone.js";
import { fromMuLaw } from "../sound/mu-law.js";
import { Player } from "../sound/player.js";
import texts from "../texts/speech.js";

addTexts(texts);
export const id = "speech";
const LONGEST = 60; // seconds of a recording
const RECENT = 8; // seconds of what a microphone hears
const SHORTEST = 2; // seconds that the pictures are wide at least
/** What is heard stays when language or theme change. @type {Heard | null} */
let kept = null;
const look = { shown: "", unit: 0, layer: 0 };

export function mount(root, store) {
  const known = hearingModel();
  const head = el("div", { class: "view-head" }, el("h2", {}, t("speech.title")));
  root.append(head);
  if (!known) {
    head.append(el("p", { class: "hint" }, t("speech.none")));
    return { destroy() {} };
  }
  let view = /** @type {{destroy: () => void} | null} */ (null);
  let left = false;
  modelOf(known.name).then((model) => {
    if (!left) view = listening(root, head, model);
  });
  return {
    destroy() {
      left = true;
      view?.destroy();
    },
  };
}

/** @type {Map<string, any>} */
const loaded = new Map();

async function modelOf(name) {
  if (!loaded.has(name)) loaded.set(name, loadModel(await fetchModel(name)));
  return loaded.get(name);
}

function listening(root, head, model) {
  const { features, labels } = model.meta;
  if (kept?.listener.model !== model) kept = new Heard(model, secondsIn(model, LONGEST));
  const heard = kept;
  let at = Math.max(heard.moments.length - 1, 0);
  let turn = 0; // counts sounds: what an old one still computes is dropped
  /** @type {(() => void) | null} */
  let ends = null;
  const player = new Player(features.rate, (seconds) => show(seconds / heard.listener.hop));
  const redraw = oncePerFrame(draw);
  const says = el("output", { class: "speech-says", id: "speech-says" });
  const status = el("p", { class: "hint", role: "status", id: "speech-status" });
  const lanes = picturesOf(model, (step, unit) => {
    if (unit !== null) look.unit = unit;
    show(step);
  });
  const beside = el("aside", { class: "panel" });
  const table = tableBehind(t("speech.table"), () => ({
    columns: [t("speech.second"), t("speech.silence"), ...labels],
    rows: heard.moments.map(({ chances }, k) => [
      number(heard.second(k), 2),
      ...Array.from(chances, (chance) => percent(chance, 1)),
    ]),
  }));
  const bar = toolbar(model, {
    listen: () => (ends ? stop() : listen()),
    file: (file) =>
      open(file.name, () => file.arrayBuffer().then((b) => decodedFile(b, features.rate))),
    example: ({ text, sound }) => open(text, async () => fromMuLaw(sound)),
    play: () => (player.playing ? player.stop() : player.play(heard.samples())),
  });
  player.onchange = () => bar.playing(player.playing);
  head.append(
    el(
      "p",
      { class: "hint" },
      t("speech.intro", number(1000 * heard.listener.hop, 0), features.bands),
    ),
  );
  root.append(
    bar.element,
    status,
    el("p", { class: "speech-heard" }, el("span", { class: "hint" }, t("speech.heard")), says),
    el(
      "div",
      { class: "kept" },
      el("section", { class: "panel speech-lanes" }, lanes.elements, table.element),
      beside,
    ),
    el("p", { class: "hint" }, t("speech.how")),
    el("p", { class: "hint" }, honest(model)),
    el("p", { class: "hint" }, t("speech.private")),
  );

  function show(step) {
    at = Math.min(Math.max(Math.round(step), 0), Math.max(heard.moments.length - 1, 0));
    redraw();
  }

  function draw() {
    says.textContent = heard.said.join(" ") || t("speech.nothing-heard");
    says.dataset.moments = String(heard.moments.length);
    lanes.draw(heard, at);
    beside.replaceChildren(...momentOf(heard, at, model));
    bar.playable(heard.moments.length > 0 && !ends);
    table.draw();
  }

  /** Everything that a recording holds. @param {string} name @param {() => Promise<Float32Array>} read */
  async function open(name, read) {
    stop();
    const mine = ++turn;
    status.textContent = t("speech.reads");
    let samples;
    try {
      samples = await read();
    } catch {
      if (mine === turn) status.textContent = t("speech.unreadable", name);
      return;
    }
    if (mine !== turn) return;
    if (!samples.length) {
      status.textContent = t("speech.empty", name);
      return;
    }
    begin(LONGEST);
    const most = LONGEST * features.rate;
    await sliced(heard.hear(samples.slice(0, most)), () => mine !== turn);
    if (mine !== turn) return;
    heard.finish();
    status.textContent = samples.length > most ? t("speech.cut", LONGEST) : "";
    show(surest(heard));
  }

  async function listen() {
    const mine = ++turn;
    player.stop();
    try {
      const end = await openMicrophone(features.rate, (samples) => {
        if (mine !== turn) return;
        for (const _ of heard.hear(samples)); // a fiftieth of a second: one frame
        show(Infinity);
      });
      if (mine !== turn) return end();
      ends = end;
    } catch (error) {
      if (mine === turn) status.textContent = whyNot(error);
      return;
    }
    begin(RECENT);
    bar.listening(true);
    status.textContent = t("speech.listening");
  }

  function begin(seconds) {
    heard.most = secondsIn(model, seconds);
    heard.clear();
    show(0);
  }

  function stop() {
    turn++;
    player.stop();
    if (!ends) return;
    ends();
    ends = null;
    bar.listening(false);
    status.textContent = "";
    redraw();
  }

  redraw();
  return {
    destroy() {
      stop();
      redraw.cancel();
    },
  };
}

const secondsIn = (model, seconds) =>
  Math.ceil((seconds * model.meta.features.rate) / model.meta.features.step);

/** The moment at which something was said with most confidence. */
function surest({ moments }) {
  let best = moments.length - 1;
  const sure = ({ chances }) => Math.max(...chances.subarray(1));
  for (let k = 0; k < moments.length; k++) if (sure(moments[k]) > sure(moments[best])) best = k;
  return best;
}

function whyNot(error) {
  if (error.message === "getUserMedia") return t("speech.insecure");
  if (error.name === "NotAllowedError") return t("speech.refused");
  if (error.name === "NotFoundError") return t("speech.no-microphone");
  return t("speech.failed", error.message);
}

function honest({ meta }) {
  if (!meta.heard) return "";
  const { speakers, wrong, noisy } = meta.heard;
  return t("speech.honest", speakers, percent(wrong, 1), percent(noisy, 1));
}

function toolbar(model, { listen, file, example, play }) {
  const button = (id, text, onclick) => el("button", { id, onclick }, t(text));
  const listener = button("speech-listen", "speech.listen", listen);
  listener.className = "primary";
  const player = button("speech-play", "speech.play", play);
  const files = el("input", {
    type: "file",
    id: "speech-file",
    accept: "audio/*",
    class: "visually-hidden",
    onchange: () => {
      if (files.files.length) file(files.files[0]);
      files.value = ""; // the same file may be opened again
    },
  });
  const examples = model.meta.examples ?? [];
  const menu = el(
    "select",
    {
      id: "speech-examples",
      "aria-label": t("speech.examples"),
      onchange: () => {
        if (menu.value) example(examples[Number(menu.value)]);
      },
    },
    el("option", { value: "" }, t("speech.examples")),
    examples.map(({ text }, k) => el("option", { value: k }, text)),
  );
  return {
    element: el(
      "div",
      { class: "toolbar speech-bar" },
      listener,
      el("button", { id: "speech-open", onclick: () => files.click() }, t("speech.open")),
      el("label", { class: "visually-hidden" }, t("speech.open"), files),
      examples.length ? menu : null,
      player,
    ),
    listening(on) {
      listener.textContent = t(on ? "speech.stop" : "speech.listen");
    },
    playing(on) {
      player.textContent = t(on ? "speech.pause" : "speech.play");
    },
    playable(can) {
      player.disabled = !can;
    },
  };
}

/** Sound, gates and chances, one below the other on one axis of time. */
function picturesOf(model, onpick) {
  const { features, labels } = model.meta;
  const { gates, hasCell } = CELLS[model.kind];
  const names = [...gates, ...(hasCell ? ["cell"] : []), "hidden"];
  if (!names.includes(look.shown)) look.shown = CELLS[model.kind].keeps ?? "hidden";
  look.layer = Math.min(look.layer, model.layers.length - 1);
  const lane = (name, color, signed, pick) => heatmap({ name, color, signed, onpick: pick });
  const sound = lane(t("speech.sound"), "--series", false, (step) => onpick(step, null));
  const inside = Object.fromEntries(
    names.map((name) => {
      const signed = ["candidate", "cell", "hidden"].includes(name);
      return [name, lane(t(`speech.${name}`), `--${name}`, signed, onpick)];
    }),
  );
  const chances = lane(t("speech.chances"), "--accent", false, (step) => onpick(step, null));
  const holder = el("div", { class: "speech-inside" });
  const words = el("div", { class: "speech-words", "aria-hidden": "true" });
  const axis = el("div", { class: "speech-axis number", "aria-hidden": "true" });
  let again = () => {};
  const choose = (id, text, among, key) => {
    const menu = el(
      "select",
      {
        id,
        "aria-label": t(text),
        onchange: () => {
          look[key] = key === "layer" ? Number(menu.value) : menu.value;
          again();
        },
      },
      among.map(([value, name]) => el("option", { value, selected: value === look[key] }, name)),
    );
    return menu;
  };
  const shown = choose(
    "speech-shown",
    "speech.shown",
    names.map((n) => [n, t(`speech.${n}`)]),
    "shown",
  );
  const layers = model.layers.map((_, k) => [k, `${t("speech.layer")} ${k + 1}`]);
  const pitches = pitchesOf(features);
  const silence = [t("speech.silence"), ...labels];
  return {
    elements: [
      heading("speech.sound", t("speech.sound-hint")),
      el("div", { class: "speech-lane" }, scale([pitches.at(-1), pitches[0]]), sound.element),
      heading(
        "speech.gates",
        t("speech.gates-hint", model.hiddenSize),
        shown,
        layers.length > 1 ? choose("speech-layer", "speech.layer", layers, "layer") : null,
      ),
      el("div", { class: "speech-lane" }, scale([]), holder),
      heading("speech.chances", ""),
      el("div", { class: "speech-lane" }, scale([]), words),
      el("div", { class: "speech-lane speech-chances" }, scale(silence), chances.element),
      el("div", { class: "speech-lane" }, scale([]), axis),
    ],
    draw(heard, at) {
      again = () => this.draw(heard, at);
      const { moments } = heard;
      const T = Math.max(moments.length, secondsIn(model, SHORTEST));
      const seconds = Array.from({ length: T }, (_, k) => `${number(heard.second(k), 2)} s`);
      const part = (rows, H, units, order, unit) => ({
        data: flat(rows, T, H),
        T,
        H,
        order,
        step: at,
        unit,
        units,
        names: seconds,
      });
      const { rest } = features;
      const loud = moments.map(({ bands }) => bands.map((v) => 1 - v / Math.log(rest)));
      sound.draw(part(loud, features.bands, pitches, counted(features.bands).reverse(), null));
      const rows = moments.map(({ layers }) => layers[look.layer][look.shown]);
      const { hidden } = model.layers[look.layer];
      const units = counted(hidden).map((unit) => t("speech.unit", unit));
      if (holder.firstChild !== inside[look.shown].element)
        holder.replaceChildren(inside[look.shown].element);
      look.unit = Math.min(look.unit, hidden - 1);
      inside[look.shown].draw(part(rows, hidden, units, counted(hidden), look.unit));
      const count = silence.length;
      const likely = moments.map(({ chances: row }) => row);
      chances.draw(part(likely, count, silence, counted(count), null));
      const [from, until] = [heard.second(0), heard.second(T)];
      const decimals = until - from < 4 ? 1 : 0;
      axis.replaceChildren(
        ...ticks(from, until)
          .filter((second) => second < until)
          .map((second) =>
            el(
              "span",
              { style: { left: `${(100 * (second - from)) / (until - from)}%` } },
              `${number(second, decimals)} s`,
            ),
          ),
      );
      words.replaceChildren(
        ...moments.flatMap(({ said }, k) =>
          said === null ? [] : [el("b", { style: { left: `${(100 * (k + 0.5)) / T}%` } }, said)],
        ),
      );
    },
  };
}

const counted = (n) => Array.from({ length: n }, (_, k) => k);

const heading = (text, hint, ...more) =>
  el(
    "div",
    { class: "speech-name" },
    el("h3", {}, t(text)),
    more,
    el("span", { class: "hint" }, hint),
  );

/** Names beside a picture, from top to bottom. */
const scale = (names) =>
  el(
    "div",
    { class: "speech-scale number", "aria-hidden": "true" },
    names.map((n) => el("span", {}, n)),
  );

/** Rows one behind the other; nothing where there are none yet. */
function flat(rows, T, H) {
  const data = new Float64Array(T * H);
  rows.forEach((row, k) => data.set(row, k * H));
  return data;
}

/** The middle frequency of each band. */
function pitchesOf({ bands, low, high }) {
  const mel = (hertz) => Math.log10(1 + hertz / 700);
  return counted(bands).map((band) => {
    const at = mel(low) + ((mel(high) - mel(low)) * (band + 1)) / (bands + 1);
    return t("speech.band", number(700 * (10 ** at - 1), 0, { grouped: true }));
  });
}

/** What is likely at a moment, and what the unit that is looked at does there. */
function momentOf(heard, at, model) {
  const moment = heard.moments[at];
  const title = el("h3", {}, t("speech.at", number(heard.second(at), 2)));
  if (!moment) return [title];
  const names = [t("speech.silence"), ...model.meta.labels];
  const row = (name, share, value, gate) =>
    el(
      "div",
      { class: "guess", style: gate ? { "--gate": `var(--${gate})` } : {} },
      guessParts(name, share, value),
    );
  return [
    title,
    el(
      "div",
      { class: "guesses", id: "speech-chances" },
      names.map((name, k) => row(name, moment.chances[k], percent(moment.chances[k], 1))),
    ),
    el("h3", {}, t("speech.unit", look.unit)),
    el(
      "div",
      { class: "guesses speech-unit" },
      Object.entries(moment.layers[look.layer]).map(([name, values]) => {
        const value = values[look.unit];
        return row(t(`speech.${name}`), Math.min(Math.abs(value), 1), number(value, 2), name);
      }),
    ),
  ];
}
