// @ts-check
/** The one clock: plays, steps and shows where in the sequence we are. Works by keyboard too. */

import { t } from "../i18n.js";
import { el } from "./dom.js";
import { redraw } from "./focus.js";
import { quotedToken } from "./names.js";

const PAUSE = 900; // milliseconds a step is shown while playing

export function mountClock(root, store) {
  const back = button("clock-back", "◀", t("page.back"), () => move(-1));
  const play = button("clock-play", "▶", t("page.play"), () => toggle());
  const forth = button("clock-forth", "▶▏", t("page.forth"), () => move(1));
  const slider = el("input", {
    type: "range",
    min: 0,
    value: 0,
    id: "clock-slider",
    "aria-label": t("page.step"),
    oninput: () => store.set({ step: Number(slider.value), operation: 0, playing: false }),
  });
  const label = el("output", { class: "clock-label", for: "clock-slider" });
  root.setAttribute("aria-label", t("page.clock"));
  redraw(root, el("div", { class: "clock" }, back, play, forth, slider, label));
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;

  function move(by) {
    const { step, record } = store.state;
    if (!record) return;
    const next = Math.min(Math.max(step + by, 0), record.T - 1);
    store.set({ step: next, operation: 0, playing: false });
  }

  function toggle() {
    const { playing, step, record } = store.state;
    if (!record) return;
    store.set({ playing: !playing, step: !playing && step >= record.T - 1 ? 0 : step });
  }

  function tick() {
    const { step, record, ownClock } = store.state;
    if (ownClock) return; // view 1 advances operation by operation
    if (step >= record.T - 1) store.set({ playing: false });
    else store.set({ step: step + 1 });
  }

  function draw() {
    const { step, record, playing, input } = store.state;
    clearInterval(timer);
    if (playing) timer = setInterval(tick, PAUSE);
    play.textContent = playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", playing ? t("page.pause") : t("page.play"));
    if (!record) return;
    slider.max = record.T - 1;
    slider.value = step;
    const name = input.tokens ? quotedToken(input.tokens[step]) : (input.labels?.[step] ?? "");
    label.textContent = t("page.of", step + 1, record.T, name);
  }

  function key(event) {
    if (
      event.target.closest("input, select, textarea, [data-keys]") ||
      event.ctrlKey ||
      event.metaKey
    )
      return;
    const done = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), " ": toggle }[event.key];
    if (!done || root.hidden || (event.key === " " && event.target.closest("button, a"))) return;
    event.preventDefault();
    done();
  }

  const leave = store.subscribe((_, changed) => {
    if (["step", "record", "playing", "input"].some((name) => changed.has(name))) draw();
  });
  document.addEventListener("keydown", key);
  draw();
  return {
    destroy() {
      leave();
      clearInterval(timer);
      document.removeEventListener("keydown", key);
    },
  };
}

function button(id, text, label, onclick) {
  return el("button", { id, onclick, "aria-label": label, title: label }, text);
}
