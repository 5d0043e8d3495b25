// @ts-check
/**
 * The guided tour: a card beside the page (below it on a phone), which asks before it tells, and a
 * frame around what it speaks of. It walks through the views in the order in which one would explain
 * recurrent networks, on the model that is open; at its end everything is as it was before.
 */

import { read, written } from "./address.js";
import { el } from "./components/dom.js";
import { focusIn } from "./components/focus.js";
import { addTexts, t } from "./i18n.js";
import { openModel, rememberedLook } from "./live.js";
import { CELLS, TAUGHT } from "./net/cells.js";
import { hearingModel, knownModels } from "./source.js";
import texts from "./texts/tour.js";
import { STOPS } from "./tour-stops.js";

addTexts(texts);
const FRAME = 6; // pixels around what is framed
const PATIENCE = 3000; // milliseconds to wait for what shall be framed
const MOST_FRAMES = 4;

/** @type {Tour | null} */
let running = null;

/** The stop that is shown, or null. */
export const tourStop = () => running?.at ?? null;

/** @param {any} store @param {number} [at] */
export function startTour(store, at = 0) {
  running?.end();
  running = new Tour(store);
  running.go(at);
}

/** The address has changed: the tour follows, or ends where it says nothing of it. */
export function followTour(store) {
  const said = read(location.hash).values.get("tour");
  if (!running) return;
  if (said === null) running.end({ back: false });
  else if (Number(said) !== running.at) running.go(Number(said), { push: false });
}

class Tour {
  constructor(store) {
    this.store = store;
    this.at = -1;
    this.before = rememberedLook(store);
    this.focused = /** @type {HTMLElement | null} */ (document.activeElement);
    this.answered = new Map(); // what was answered at each stop
    const kinds = new Set(knownModels().map(({ task }) => task));
    this.stops = STOPS.filter(
      ({ task, hears }) => (!task || kinds.has(task)) && (!hears || hearingModel()),
    );
    this.language = kinds.has("language") || store.state.model.meta.task === "language";
    this.frames = el("div", { class: "tour-frames", "aria-hidden": "true" });
    this.card = el("aside", {
      class: "tour-card",
      "aria-labelledby": "tour-title",
      tabindex: -1,
      id: "tour",
      data: { keys: "arrows" },
    });
    document.body.append(this.frames, this.card);
    document.body.classList.add("touring");
    this.keys = (event) => this.key(event);
    this.leave = store.subscribe((_, changed) => {
      const told = ["step", "unit", "record"].some((name) => changed.has(name));
      if (changed.has("lang") || (told && this.stop?.values)) this.speak(); // its numbers changed
    });
    addEventListener("keydown", this.keys);
    this.timer = setInterval(() => this.look(), 200); // views draw anew: look again
  }

  get stop() {
    return this.stops[this.at];
  }

  /** @param {number} at @param {{push?: boolean}} [options] push: a new entry in the history */
  async go(at, { push = true } = {}) {
    const last = this.stops.length - 1;
    this.at = Math.min(Math.max(Number.isInteger(at) ? at : 0, 0), last);
    const { stop } = this;
    const mine = this.at;
    this.shown = null;
    this.look();
    await this.fit(stop);
    if (push) move(written(stop.view, { tour: String(this.at) }));
    this.speak();
    await this.found("#view h2");
    if (running !== this || this.at !== mine) return;
    await stop.prepare?.(this.store);
    const [first] = await this.found(targetOf(stop));
    if (running !== this || this.at !== mine) return;
    this.shown = first ?? null;
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    first?.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
    this.look();
  }

  /** Most stops are about sentences, where there is a model of them. */
  async fit(stop) {
    const { model } = this.store.state;
    if (stop.hears) return;
    if (stop.view === "cell") return this.fitCell(model);
    const wanted = stop.task ?? (this.language ? "language" : model.meta.task);
    if (model.meta.task === wanted && !model.meta.small && !model.meta.trained) return;
    if (stop.view === "forecast") return; // the view opens one
    const own = this.before.model;
    const known = knownModels();
    const mine = known.find(({ name, task }) => name === own && task === wanted);
    const name = (mine ?? known.find(({ task }) => task === wanted))?.name;
    if (name) await openModel(this.store, name);
  }

  /** The cell that is explained is an LSTM's: of the sentence if there is one, else of four units. */
  async fitCell(model) {
    const fits = model.meta.task === "language" || !this.language;
    if (explained(model.kind) && fits && !model.meta.trained) return;
    const own = this.before.model;
    const fit = knownModels().filter(
      ({ kind, task }) => explained(kind) && (task === "language" || !this.language),
    );
    const found = fit.find(({ name }) => name === own) ?? fit[0];
    await openModel(this.store, found?.name ?? `letters-${TAUGHT.find(explained)}`);
  }

  /** Waits until the view is there; an empty list if it never comes. */
  async found(selector) {
    const until = performance.now() + PATIENCE;
    for (;;) {
      const there = document.getElementById("view").dataset.view === this.stop.view;
      const found = there ? visible(selector) : [];
      if (found.length || performance.now() > until || running !== this) return found;
      await new Promise(requestAnimationFrame);
    }
  }

  /** Frames what is there now, and sees whether what was asked for has been done. */
  look() {
    if (this.at < 0) return;
    const found = this.shown ? visible(targetOf(this.stop)).slice(0, 12) : [];
    const page = document.getElementById("page").getBoundingClientRect();
    const boxes = this.stop.each
      ? found.slice(0, MOST_FRAMES).map((one) => one.getBoundingClientRect())
      : found.length
        ? [around(found.map((one) => one.getBoundingClientRect()))]
        : [];
    const frames = boxes.map((box) => clipped(box, page)).filter(Boolean);
    while (this.frames.children.length < frames.length)
      this.frames.append(el("div", { class: "tour-frame" }));
    [...this.frames.children].forEach((frame, k) => {
      /** @type {HTMLElement} */ (frame).hidden = !frames[k];
      for (const [name, value] of Object.entries(frames[k] ?? {}))
        /** @type {HTMLElement} */ (frame).style.setProperty(name, `${value}px`);
    });
    if (this.shown && !this.answered.has(this.at) && this.stop.done?.(this.store.state)) {
      this.answered.set(this.at, true);
      this.speak();
    }
  }

  speak() {
    const { at, stop, stops } = this;
    const last = at === stops.length - 1;
    const next = el(
      "button",
      { class: "primary", id: "tour-next", onclick: () => (last ? this.end() : this.go(at + 1)) },
      t(last ? "tour.end" : "tour.next"),
    );
    const inside = this.card.contains(document.activeElement);
    const back = focusIn(this.card);
    this.card.replaceChildren(
      this.head(),
      el("h3", { id: "tour-title" }, t(`tour.${stop.name}`)),
      this.question(),
      this.answered.has(at)
        ? el("div", { class: "tour-says", "aria-live": "polite" }, paragraphs(this.text("says")))
        : el(
            "button",
            {
              id: "tour-tell",
              onclick: () => {
                this.answered.set(at, null);
                this.speak();
              },
            },
            t("tour.tell"),
          ),
      el(
        "div",
        { class: "tour-foot" },
        el(
          "button",
          { id: "tour-back", disabled: at === 0, onclick: () => this.go(at - 1) },
          t("tour.back"),
        ),
        next,
      ),
    );
    if (inside) back();
    if (!this.card.contains(document.activeElement) && this.moved !== at)
      next.focus({ preventScroll: true });
    this.moved = at;
  }

  head() {
    const { at, stops } = this;
    return el(
      "div",
      { class: "tour-head" },
      el("span", { class: "hint number", id: "tour-count" }, `${at + 1} / ${stops.length}`),
      el(
        "div",
        { class: "tour-progress" },
        stops.map((stop, k) =>
          el("button", {
            class: k < at ? "past" : "",
            "aria-label": `${k + 1} ${t(`tour.${stop.name}`)}`,
            title: t(`tour.${stop.name}`),
            "aria-current": k === at ? "step" : null,
            onclick: () => this.go(k),
          }),
        ),
      ),
      el(
        "button",
        { id: "tour-close", "aria-label": t("tour.close"), onclick: () => this.end() },
        "×",
      ),
    );
  }

  /** A question with its answers, or what is to be done on the page. */
  question() {
    const { at, stop } = this;
    const ask = el("p", { class: "tour-ask" }, this.text("ask"));
    if (!stop.right) return ask;
    const right = stop.right(this.store.state);
    const given = this.answered.get(at);
    const options = this.text("options").split("|");
    return el(
      "div",
      { class: "tour-options" },
      ask,
      options.map((option, k) =>
        el(
          "button",
          {
            class: !this.answered.has(at) ? "" : k === right ? "right" : k === given ? "wrong" : "",
            "aria-pressed": given === k ? "true" : null,
            onclick: () => {
              this.answered.set(at, k);
              this.speak();
            },
          },
          option,
        ),
      ),
    );
  }

  /** A text of this stop; of series where no sentence can be shown. @param {string} what */
  text(what) {
    const key = `tour.${this.stop.name}-${what}`;
    const values = this.stop.values?.(this.store.state) ?? [];
    const own = t(`${key}-series`, ...values);
    return !this.language && own !== `${key}-series` ? own : t(key, ...values);
  }

  key(event) {
    if (event.key === "Escape") this.end();
    if (!this.card.contains(event.target)) return;
    if (event.key === "ArrowRight" && this.at < this.stops.length - 1) this.go(this.at + 1);
    if (event.key === "ArrowLeft" && this.at > 0) this.go(this.at - 1);
  }

  /** @param {{back?: boolean}} [options] back: everything as it was before the tour */
  async end({ back = true } = {}) {
    running = null;
    clearInterval(this.timer);
    this.leave();
    removeEventListener("keydown", this.keys);
    this.frames.remove();
    this.card.remove();
    document.body.classList.remove("touring");
    if (!back) return;
    const { model, look, hash } = this.before;
    move(hash || "#");
    await openModel(this.store, model, { look });
    const button = document.getElementById(this.focused?.id || "tour-button");
    button?.focus({ preventScroll: true });
  }
}

/** The stops of the cell speak of a cell state beside the hidden one. @param {string} kind */
const explained = (kind) => CELLS[kind].hasCell;

const targetOf = ({ target }) => target;

const visible = (selector) =>
  [...document.querySelectorAll(selector)].filter((one) => one.getClientRects().length);

const paragraphs = (text) => text.split("\n").map((line) => el("p", {}, line));

/** @param {DOMRect[]} boxes */
const around = (boxes) => ({
  left: Math.min(...boxes.map((box) => box.left)),
  top: Math.min(...boxes.map((box) => box.top)),
  right: Math.max(...boxes.map((box) => box.right)),
  bottom: Math.max(...boxes.map((box) => box.bottom)),
});

/** The part of a box that is on the page's side, with some room around it. */
function clipped(box, page) {
  const left = Math.max(box.left - FRAME, page.left + 2);
  const top = Math.max(box.top - FRAME, page.top + 2);
  const width = Math.min(box.right + FRAME, page.right - 2) - left;
  const height = Math.min(box.bottom + FRAME, page.bottom - 2) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : null;
}

/** A new entry of the history, of the page's own. @param {string} hash */
function move(hash) {
  try {
    history.pushState({ own: true }, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } catch {
    location.hash = read(hash).view; // a frame without an address of its own
  }
}
