// @ts-check
/** Starts the page: language, theme, models, the view that the address names, the clock. */

import { mountClock } from "./components/clock.js";
import { el } from "./components/dom.js";
import { mountHeader } from "./components/header.js";
import { mountInputBar } from "./components/input-bar.js";
import { addTexts, preferredLanguage, setLanguage, t } from "./i18n.js";
import { keepLive, openModel } from "./live.js";
import { listModels } from "./source.js";
import { createStore } from "./store.js";
import texts from "./texts/page.js";
import { startTour } from "./tour.js";
import { views } from "./views.js";

addTexts(texts);
const query = new URLSearchParams(location.search);
const page = {
  header: document.getElementById("header"),
  input: document.getElementById("input"),
  view: document.getElementById("view"),
  clock: document.getElementById("clock"),
};
const store = createStore({
  step: 0,
  operation: 0,
  playing: false,
  unit: null,
  layer: 0,
  kind: "lstm",
  lang: preferredLanguage(location.search, navigator.language),
  theme: /** @type {"dark" | "light"} */ (
    query.get("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")
  ),
  model: null,
  input: null,
  record: null,
});
let models = [];
let mounted = null; // the view that is shown
let clock = null;
/** @type {(view: string) => void} */
let mark = () => {};
let showing = 0; // counts calls of show: only the last one may mount

async function start() {
  applyLook();
  keepLive(store);
  try {
    models = await listModels();
    if (models.length === 0) throw new Error(t("page.no-model"));
    await openModel(store, models[0].name);
  } catch (error) {
    fail(error);
    return;
  }
  store.subscribe((_, changed) => {
    if (changed.has("model")) frame();
  });
  window.addEventListener("hashchange", show);
  frame();
}

/** Everything around the view; again when language, theme or model change. */
function frame() {
  leave();
  clock?.destroy();
  mark = mountHeader(page.header, store, {
    models,
    actions: { open, language: otherLanguage, theme: otherTheme, tour: () => startTour(store) },
  });
  mountInputBar(page.input, store);
  clock = mountClock(page.clock, store);
  show();
}

async function show() {
  const view = views.find((one) => one.id === location.hash.slice(1)) ?? views[0];
  const turn = ++showing;
  const module = await view.load();
  if (turn !== showing) return;
  leave();
  page.view.dataset.view = view.id;
  page.clock.hidden = !view.clock;
  page.input.hidden = !view.clock;
  mark(view.id);
  document.title = `carrousel · ${t(`page.${view.id}`)}`;
  mounted = module.mount(page.view, store);
}

/** Takes the view away at once: it must not draw a model that it was not made for. */
function leave() {
  mounted?.destroy();
  mounted = null;
  page.view.replaceChildren();
}

function open(name) {
  openModel(store, name).catch(fail);
}

function otherLanguage() {
  store.set({ lang: store.state.lang === "fr" ? "en" : "fr" });
  applyLook();
  frame();
}

function otherTheme() {
  store.set({ theme: store.state.theme === "dark" ? "light" : "dark" });
  applyLook();
  frame();
}

function applyLook() {
  const { lang, theme } = store.state;
  setLanguage(lang);
  document.documentElement.lang = lang;
  document.documentElement.dataset.theme = theme;
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
