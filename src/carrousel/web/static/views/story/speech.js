// @ts-check
/** Made-up speech: the page says two vowels, a network that learns here tells which, in their order. */

import { tableBehind } from "../../components/data-table.js";
import { el, svg } from "../../components/dom.js";
import { number, percent, quoted, t } from "../../i18n.js";
import { softmax } from "../../net/forward.js";
import { random } from "../../net/random.js";
import { Session } from "../../net/session.js";
import { BANDS, FRAMES, harmonics, PAIRS, vowels } from "../../net/vowels.js";
import { sliced } from "../../slices.js";

const UPDATES = 120;
const RATE = 0.02;
const OPTIONS = { kinds: ["gru"], hidden: 10, seed: 1, forgetBias: 1 };
const CELL = { width: 24, height: 14 };
const SECONDS = 0.07; // of a frame

export function speechUse() {
  const task = vowels();
  const session = new Session(task, { ...OPTIONS, optimizer: "adam" });
  const [trainer] = session.trainers;
  const draws = random(99);
  let example = /** @type {any} */ (task.draw(draws)); // with what was said
  let alive = true;
  let learns = false;
  /** @type {AudioContext | null} */
  let audio = null;
  const picture = el("div", { class: "story-sound" });
  const said = el("p", { class: "story-says", role: "status", id: "story-heard" });
  const button = (id, text, onclick) => el("button", { id, onclick }, t(text));
  const learn = button("story-listen", "story.speech-learn", teach);
  learn.className = "primary";
  const table = tableBehind(t("story.speech-frames"), () => ({
    columns: [t("story.speech-frame"), ...Array.from({ length: BANDS }, (_, k) => String(k + 1))],
    rows: Array.from({ length: FRAMES }, (_, at) => [
      at + 1,
      ...Array.from(example.inputs.subarray(at * BANDS, (at + 1) * BANDS), (v) => number(v, 1)),
    ]),
  }));

  async function teach() {
    if (learns) return;
    learns = true;
    said.textContent = t("story.speech-learns");
    await sliced(session.lessons(RATE, UPDATES), () => !alive);
    learns = false;
    if (alive) draw();
  }

  function another() {
    example = task.draw(draws);
    draw();
  }

  function play() {
    audio ??= new AudioContext();
    speak(audio, example);
  }

  function draw() {
    picture.replaceChildren(spectrogram(example));
    const { output } = trainer.run(example);
    const chances = softmax(output.subarray(output.length - PAIRS.length));
    const best = chances.indexOf(Math.max(...chances));
    said.textContent = trainer.updates
      ? t(
          "story.speech-hears",
          quoted(PAIRS[best]),
          percent(chances[best]),
          quoted(example.pair),
          trainer.updates,
        )
      : t("story.speech-untaught", quoted(example.pair));
    table.draw();
  }

  draw();
  return {
    element: el(
      "div",
      {},
      picture,
      el(
        "div",
        { class: "toolbar" },
        learn,
        button("story-other", "story.speech-another", another),
        button("story-play", "story.speech-play", play),
      ),
      said,
      table.element,
    ),
    destroy() {
      alive = false;
      audio?.close();
    },
  };
}

/** Time to the right, pitch upwards: the darker, the louder. */
function spectrogram({ inputs, pair, turn }) {
  const [width, height] = [FRAMES * CELL.width, BANDS * CELL.height];
  const loudest = Math.max(...inputs);
  const least = Math.min(...inputs);
  const cells = Array.from(inputs, (value, at) => {
    const [frame, band] = [Math.floor(at / BANDS), at % BANDS];
    return svg("rect", {
      x: frame * CELL.width,
      y: height - (band + 1) * CELL.height,
      width: CELL.width - 1,
      height: CELL.height - 1,
      "fill-opacity": ((value - least) / (loudest - least)).toFixed(3),
    });
  });
  return svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      class: "story-spectrogram",
      "aria-label": t("story.speech-label", quoted(pair[0]), turn, quoted(pair[1])),
    },
    cells,
  );
}

/** What the network is given, as a sound. @param {AudioContext} audio @param {any} example */
function speak(audio, { pair, pitch, turn }) {
  const rate = audio.sampleRate;
  const buffer = audio.createBuffer(1, Math.ceil(FRAMES * SECONDS * rate), rate);
  const samples = buffer.getChannelData(0);
  const voices = [...pair].map((vowel) => harmonics(vowel, pitch));
  for (let at = 0; at < samples.length; at++) {
    const time = at / rate;
    const edge = Math.min(1, 20 * time, 20 * (FRAMES * SECONDS - time)); // without a click
    for (const { frequency, size } of voices[time < turn * SECONDS ? 0 : 1])
      samples[at] += 0.12 * edge * size * Math.sin(2 * Math.PI * frequency * time);
  }
  const source = audio.createBufferSource();
  source.buffer = buffer;
  source.connect(audio.destination);
  source.start();
}
