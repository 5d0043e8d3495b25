// @ts-check
/** Starts the page: language, theme, models, the view that the address names, the clock. */

import { asked, firstView, isOwn, keepAddress, read } from "./address.js";
import { mountClock } from "./components/clock.js";
import { el } from "./components/dom.js";
import { focusIn } from "./components/focus.js";
import { mountHeader } from "./components/header.js";
import { mountInputBar } from "./components/input-bar.js";
import { shareMenu } from "./components/share-menu.js";
import { addTexts, preferredLanguage, setLanguage, t } from "./i18n.js";
import {
  findTrained,
  isTrained,
  keepLive,
  openModel,
  rememberedLook,
  trainedHere,
} from "./live.js";
import { flags, lookOf, stateValues } from "./saved.js";
import { breath } from "./slices.js";
import { listModels } from "./source.js";
import { createStore } from "./store.js";
import texts from "./texts/page.js";
import { followTour, startTour, tourStop } from "./tour.js";
import { views } from "./views.js";

addTexts(texts);
const page = {
  header: document.getElementById("header"),
  input: document.getElementById("input"),
  view: document.getElementById("view"),
  clock: document.getElementById("clock"),
};
const first = {
  lang: preferredLanguage(location.search, navigator.language),
  theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
};
const store = createStore({
  step: 0,
  operation: 6,
  playing: false,
  unit: null,
  layer: 0,
  kind: "lstm",
  lang: /** @type {"en" | "fr"} */ (
    asked("lang")?.startsWith("fr") ? "fr" : asked("lang") ? "en" : first.lang
  ),
  theme:
    asked("theme") === "dark" || (!asked("theme") && first.theme === "dark") ? "dark" : "light",
  missing: null,
  trained: 0,
  model: null,
  input: null,
  record: null,
});
let models = [];
let mounted = null; // the view that is shown
let dressed = {}; // the view and the model that head, input and clock are for
let clock = null;
let leaveInput = () => {};
let away = null; // what was looked at before a view opened a model of its own
let fitting = false; // whether a view opens its model at this moment
/** @type {(view: string) => void} */
let mark = () => {};
let showing = 0; // counts calls of show: only the last one may mount

async function start() {
  applyLook();
  keepLive(store);
  try {
    models = await listModels();
    if (models.length === 0) throw new Error(t("page.no-model"));
    const { name, options } = await lookOf(models, asked, store.state.lang);
    await openModel(store, name, options);
  } catch (error) {
    fail(error);
    return;
  }
  const soon = keepAddress(
    store,
    () => viewNow().id,
    () => ({
      ...stateValues(store.state, first),
      tour: tourStop() === null ? null : String(tourStop()),
    }),
  );
  store.subscribe((_, changed) => {
    if (changed.has("model") && !fitting) frame();
    else if (changed.has("trained")) mark = dressHead();
  });
  addEventListener("hashchange", () => {
    if (!isOwn() && read(location.hash).values.size) return location.reload(); // another link
    if (viewNow().id !== page.view.dataset.view) show();
    followTour(store);
    soon();
  });
  addEventListener("keydown", turnPage);
  await breath(); // the page is drawn in a task of its own
  await frame();
  const stop = asked("tour");
  if (stop !== null) startTour(store, Number(stop));
  soon();
  if (!trainedHere() && (await findTrained())) store.set({ trained: 1 }); // of an earlier visit
}

const viewNow = () => {
  const named = read(location.hash).view || firstView;
  return views.find(({ id }) => id === named) ?? views[0];
};

/** Everything around the view; again when language, theme or model change. */
function frame() {
  const back = focusIn(document.body);
  leave();
  dress(viewNow());
  return show().then(back);
}

/** Head, input and clock, for the model that is open. */
function dress(view) {
  clock?.destroy();
  mark = dressHead();
  leaveInput();
  leaveInput = mountInputBar(page.input, store, view);
  clock = mountClock(page.clock, store);
  dressed = { view, model: store.state.model };
}

function dressHead() {
  const mark = mountHeader(page.header, store, {
    models,
    actions: { open, language: otherLanguage, theme: otherTheme, tour: () => startTour(store) },
    share: shareMenu(
      () => viewNow().id,
      present,
      () => isTrained(store.state),
    ),
  });
  mark(viewNow().id);
  return mark;
}

async function show() {
  const view = viewNow();
  const turn = ++showing;
  const module = await view.load();
  if (turn !== showing) return;
  leave();
  await fit(view);
  if (turn !== showing) return;
  if (dressed.view !== view || dressed.model !== store.state.model) dress(view);
  page.view.dataset.view = view.id;
  page.clock.hidden = !view.clock;
  page.input.hidden = !view.clock;
  mark(view.id);
  document.title = `carrousel · ${t(`page.${view.id}`)}`;
  mounted = module.mount(page.view, store);
}

/** A view of one kind of model opens one; behind it, what was there before is there again. */
async function fit(view) {
  const { task } = /** @type {any} */ (store.state.model).meta;
  const wanted = view.task ?? away?.task ?? task;
  const found = models.find((one) => one.task === wanted);
  if (wanted === task || !(found || away)) {
    if (!view.task) away = null;
    return;
  }
  const { model, look } = away ?? { model: found.name, look: {} };
  const before = { ...rememberedLook(store), task };
  fitting = true;
  await openModel(store, view.task ? found.name : model, view.task ? {} : { look });
  fitting = false;
  away = view.task ? before : null;
}

/** Takes the view away at once: it must not draw a model that it was not made for. */
function leave() {
  mounted?.destroy();
  mounted = null;
  page.view.replaceChildren();
}

function open(name) {
  away = null;
  openModel(store, name).catch(fail);
}

function otherLanguage() {
  const lang = store.state.lang === "fr" ? "en" : "fr";
  setLanguage(lang); // before anyone hears of it
  store.set({ lang });
  applyLook();
  frame();
}

function otherTheme() {
  store.set({ theme: store.state.theme === "dark" ? "light" : "dark" });
  applyLook();
  frame();
}

/** In a lecture or not: type changes its size, so that pictures are drawn anew. */
function present() {
  applyLook();
  frame();
}

/** Page up and page down, as a presenter's remote sends them, go from view to view. */
function turnPage(event) {
  const by = { PageDown: 1, PageUp: -1 }[event.key];
  if (!by || !flags.present || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  const next = views[views.indexOf(viewNow()) + by];
  if (next) location.hash = next.id;
}

function applyLook() {
  const { lang, theme } = store.state;
  setLanguage(lang);
  document.documentElement.lang = lang;
  document.documentElement.dataset.theme = theme;
  document.documentElement.toggleAttribute("data-embed", flags.embed);
  document.documentElement.toggleAttribute("data-bare", flags.hide);
  document.documentElement.toggleAttribute("data-present", flags.present);
}

function fail(error) {
  page.view.replaceChildren(
    el(
      "div",
      { class: "panel", role: "alert" },
      el("h2", {}, t("page.failed")),
      el("p", {}, error.message),
    ),
  );
}

await start();
