// @ts-check
/**
 * The whole state in the address: `#view?model=...&text=...`, so that a link shows what its sender
 * saw and a reload loses nothing. Only what differs from the beginning is written. Settings of a
 * view stand with a prefix ("gradient.steps"); the view says once where they are kept.
 */

const PAUSE = 250; // milliseconds between two entries: browsers allow no flood of them

/** @typedef {Record<string, any>} Settings */

/** @type {{prefix: string, settings: Settings, first: Settings}[]} */
const kept = [];
const here = globalThis.location ?? { hash: "", search: "" }; // there is none in tests
/** In a frame without an address of its own, the page itself says what it shows. */
const said = globalThis.document?.querySelector('meta[name="carrousel-shows"]');
const given = read(here.hash || (said?.getAttribute("content") ?? ""));

/** The view that is named at the beginning. */
export const firstView = given.view;
/** @type {() => Record<string, string | null>} what the page adds of its own */
let told = () => ({});
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/** The view and the parameters of an address's last part. @param {string} hash */
export function read(hash) {
  const [view, rest = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  return { view, values: new URLSearchParams(rest) };
}

/** @param {string} view @param {Record<string, string | null>} values */
export function written(view, values) {
  const found = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(/** @type {[string, string][]} */ (found)).toString();
  return `#${view}${query ? `?${query}` : ""}`;
}

/** What the address said when the page was opened; `?lang=fr` before the "#" counts, too.
 * @param {string} name @returns {string | null} */
export const asked = (name) => given.values.get(name) ?? new URLSearchParams(here.search).get(name);

/**
 * Settings of a view that belong into the address: numbers, texts, switches or lists. What the
 * address says is put into them, if it is of the same type and, where a range is given, within it.
 * @template {Settings} T
 * @param {string} prefix @param {T} settings
 * @param {Record<string, {min?: number, max?: number, among?: readonly any[]}>} [ranges]
 * @returns {T} the same settings
 */
export function keepInAddress(prefix, settings, ranges = {}) {
  kept.push({ prefix, settings, first: structuredClone(settings) });
  for (const name of Object.keys(settings)) {
    const text = given.values.get(`${prefix}.${name}`);
    if (text === null) continue;
    const value = valueOf(text, settings[name], ranges[name] ?? {});
    if (value !== undefined) /** @type {Settings} */ (settings)[name] = value;
  }
  return settings;
}

/** @param {string} text @param {any} like @param {{min?: number, max?: number, among?: readonly any[]}} range */
export function valueOf(text, like, { min = -Infinity, max = Infinity, among }) {
  if (typeof like === "number") {
    const value = Number(text);
    return text.trim() !== "" && value >= min && value <= max ? value : undefined;
  }
  if (typeof like === "boolean") return text === "1";
  if (Array.isArray(like)) {
    const all = text.split(",").filter((one) => !among || among.includes(one));
    return all.length ? all : undefined;
  }
  return !among || among.includes(text) ? text : undefined;
}

/** @param {any} value */
const valueText = (value) => (typeof value === "boolean" ? (value ? "1" : "0") : String(value));

/** Everything that the address should say of the settings. @returns {Record<string, string | null>} */
function settingsNow() {
  const found = {};
  for (const { prefix, settings, first } of kept)
    for (const name of Object.keys(first))
      if (valueText(settings[name]) !== valueText(first[name]))
        found[`${prefix}.${name}`] = valueText(settings[name]);
  return found;
}

/** What was said of views that were not opened yet: nobody has taken it up.
 * @returns {Record<string, string>} */
function unclaimed() {
  const claimed = (name) => kept.some(({ prefix }) => name.startsWith(`${prefix}.`));
  return Object.fromEntries(
    [...given.values].filter(([name]) => name.includes(".") && !claimed(name)),
  );
}

/** The link to what is shown now. @param {string} view */
export const linkTo = (view) => written(view, { ...unclaimed(), ...told(), ...settingsNow() });

/** Keeps the address what the page shows, soon after anything was done.
 * @param {any} store @param {() => string} view @param {typeof told} tell */
export function keepAddress(store, view, tell) {
  told = tell;
  const soon = () => {
    waiting ??= setTimeout(() => {
      waiting = undefined;
      put(linkTo(view()));
    }, PAUSE);
  };
  store.subscribe(soon);
  for (const name of ["input", "change", "click", "keyup"]) addEventListener(name, soon);
  addEventListener("pagehide", () => put(linkTo(view())));
  return soon;
}

/** @param {string} hash */
function put(hash) {
  if (hash === location.hash) return;
  try {
    history.replaceState({ own: true }, "", hash);
  } catch {
    return; // a frame without an address of its own
  }
}

/** Whether an entry of the history is one of the page's own. */
export const isOwn = () => Boolean(history.state?.own);
