// @ts-check
/**
 * The guided tour: a card that speaks, and a frame around what it speaks of. It walks through the
 * views in the order in which one would explain recurrent networks, on the model that is open.
 */

import { el } from "./components/dom.js";
import { addTexts, t } from "./i18n.js";
import { openModel } from "./live.js";
import { listModels } from "./source.js";
import texts from "./texts/tour.js";

addTexts(texts);
const FRAME = 8; // pixels around what is framed
const PATIENCE = 3000; // milliseconds to wait for what shall be framed

/** Sets the cell's clock: a step of the sequence and an operation inside it. */
const cell = (operation) => (store) =>
  store.set({ operation, step: Math.min(5, store.state.record.T - 1), playing: false });
const small = (kind) => (_, find) => find(`.segments [data-kind="${kind}"]`)?.click();

/** @type {{name: string, view: string, target: string, prepare?: Function, opened?: boolean}[]} */
const STOPS = [
  { name: "ann", view: "cell", target: "#input", opened: true },
  { name: "loop", view: "cell", target: ".cell-stage", prepare: small("rnn") },
  { name: "short", view: "gradient", target: "#view .panel", opened: true },
  { name: "vanishing", view: "gradient", target: "#view svg, #view canvas" },
  { name: "gates", view: "cell", target: ".cell-diagram .box", prepare: cell(0), opened: true },
  { name: "join", view: "cell", target: '.cell-diagram [data-op="0"]', prepare: cell(0) },
  { name: "forget", view: "cell", target: '.cell-diagram [data-op="1"]', prepare: cell(1) },
  {
    name: "write",
    view: "cell",
    target: '.cell-diagram [data-op="2"], .cell-diagram [data-op="3"]',
    prepare: cell(3),
  },
  { name: "update", view: "cell", target: '.cell-diagram .knot[data-op="4"]', prepare: cell(4) },
  {
    name: "show",
    view: "cell",
    target: '.cell-diagram [data-op="5"], .cell-diagram .knot[data-op="6"]',
    prepare: cell(6),
  },
  { name: "time", view: "sequence", target: "#sequence .tracks" },
  {
    name: "long",
    view: "kept",
    target: ".kept section",
    prepare: (store) => store.set({ step: store.state.record.T - 1 }),
  },
  { name: "train", view: "train", target: "#view .panel" },
  { name: "uses", view: "forecast", target: "#view .panel", prepare: openForecaster },
];

let running = null;

/** @param {object} store */
export function startTour(store) {
  running?.end();
  running = new Tour(store);
}

async function openForecaster(store) {
  if (store.state.model.meta.task === "forecast") return;
  const found = (await listModels()).find((one) => one.task === "forecast");
  if (found) await openModel(store, found.name);
}

class Tour {
  constructor(store) {
    this.store = store;
    this.at = 0;
    const { model, input, record, kind, layer } = store.state;
    this.opened = { model, input, record, kind, layer };
    this.before = /** @type {HTMLElement | null} */ (document.activeElement);
    this.frame = el("div", { class: "tour-frame", "aria-hidden": "true" });
    this.card = el("div", {
      class: "tour-card",
      role: "dialog",
      "aria-modal": "false",
      "aria-labelledby": "tour-title",
      tabindex: -1,
      id: "tour",
      data: { keys: "arrows" },
    });
    document.body.append(this.frame, this.card);
    this.place = () => this.follow();
    this.keys = (event) => this.key(event);
    addEventListener("resize", this.place);
    addEventListener("scroll", this.place, { passive: true });
    addEventListener("keydown", this.keys);
    this.go(0);
  }

  async go(at) {
    this.at = at;
    const stop = STOPS[at];
    this.speak(stop);
    if (stop.opened && this.store.state.model !== this.opened.model) this.store.set(this.opened);
    if (location.hash !== `#${stop.view}`) location.hash = stop.view;
    await this.found("#view h2");
    await stop.prepare?.(this.store, (selector) => document.querySelector(selector));
    this.shown = await this.found(stop.target);
    if (this.at !== at || !running) return;
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.shown[0]?.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
    this.follow();
    this.watch();
  }

  /** Waits until the view is there; an empty list if it never comes. */
  async found(selector) {
    const until = performance.now() + PATIENCE;
    const view = STOPS[this.at].view;
    for (;;) {
      const there = document.getElementById("view").dataset.view === view;
      const found = there
        ? [...document.querySelectorAll(selector)].filter((one) => one.getClientRects().length)
        : [];
      if (found.length || performance.now() > until) return found;
      await new Promise(requestAnimationFrame);
    }
  }

  /** Views draw anew when numbers change: look again for a while, and frame what is there now. */
  watch() {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.follow(), 250);
  }

  follow() {
    const found = [...document.querySelectorAll(STOPS[this.at].target)].filter(
      (one) => one.getClientRects().length,
    );
    this.frame.hidden = found.length === 0;
    if (found.length === 0) return;
    const boxes = found.slice(0, 12).map((one) => one.getBoundingClientRect());
    const left = Math.max(Math.min(...boxes.map((box) => box.left)) - FRAME, 2);
    const top = Math.max(Math.min(...boxes.map((box) => box.top)) - FRAME, 2);
    const right = Math.min(Math.max(...boxes.map((box) => box.right)) + FRAME, innerWidth - 2);
    const bottom = Math.min(Math.max(...boxes.map((box) => box.bottom)) + FRAME, innerHeight - 2);
    const style = {
      left: `${left}px`,
      top: `${top}px`,
      width: `${right - left}px`,
      height: `${Math.max(bottom - top, 8)}px`,
    };
    for (const [name, value] of Object.entries(style)) this.frame.style.setProperty(name, value);
    this.card.classList.toggle("left", (left + right) / 2 > innerWidth * 0.58);
    this.card.classList.toggle("top", top > innerHeight * 0.55);
  }

  speak({ name }) {
    const last = this.at === STOPS.length - 1;
    const next = el(
      "button",
      {
        class: "primary",
        id: "tour-next",
        onclick: () => (last ? this.end() : this.go(this.at + 1)),
      },
      t(last ? "tour.end" : "tour.next"),
    );
    this.card.replaceChildren(
      el(
        "div",
        { class: "tour-head" },
        el("span", { class: "hint number", id: "tour-count" }, `${this.at + 1} / ${STOPS.length}`),
        el(
          "button",
          { id: "tour-close", "aria-label": t("tour.close"), onclick: () => this.end() },
          "×",
        ),
      ),
      el("h3", { id: "tour-title" }, t(`tour.${name}`)),
      ...t(`tour.${name}-says`)
        .split("\n")
        .map((line) => el("p", {}, line)),
      el(
        "div",
        { class: "tour-foot" },
        el(
          "button",
          { id: "tour-back", disabled: this.at === 0, onclick: () => this.go(this.at - 1) },
          t("tour.back"),
        ),
        next,
      ),
    );
    next.focus({ preventScroll: true });
  }

  key(event) {
    if (event.key === "Escape") this.end();
    if (!this.card.contains(event.target)) return;
    if (event.key === "ArrowRight" && this.at < STOPS.length - 1) this.go(this.at + 1);
    if (event.key === "ArrowLeft" && this.at > 0) this.go(this.at - 1);
  }

  end() {
    running = null;
    clearInterval(this.timer);
    removeEventListener("resize", this.place);
    removeEventListener("scroll", this.place);
    removeEventListener("keydown", this.keys);
    this.frame.remove();
    this.card.remove();
    if (this.before?.isConnected) this.before.focus();
  }
}
