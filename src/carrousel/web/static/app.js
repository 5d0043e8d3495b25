/** Starts the page: language, theme, model, the view that the address names, the clock. */

import { createStore } from "./store.js";
import { preferredLanguage, setLanguage } from "./i18n.js";
import { views } from "./views.js";

const lang = preferredLanguage(location.search, navigator.language);
setLanguage(lang);
const store = createStore({
  step: 0, operation: 0, playing: false, unit: null, kind: "lstm", lang, theme: "light",
  model: null, input: null, record: null,
});

const root = document.getElementById("view");
let mounted = null;

async function show(id) {
  const view = views.find((one) => one.id === id) ?? views[0];
  const module = await view.load();
  mounted?.destroy();
  root.replaceChildren();
  mounted = module.mount(root, store);
}

window.addEventListener("hashchange", () => show(location.hash.slice(1)));
show(location.hash.slice(1));
