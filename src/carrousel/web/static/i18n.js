// @ts-check
/**
 * Two languages. Each view brings its texts: `addTexts({en: {"cell.play": "Play"}, fr: {...}})`,
 * keys start with the view's name. The page is drawn again when the language changes, so that
 * nobody needs to listen.
 */

const dictionary = { en: {}, fr: {} };
let current = "en";

/** @param {{en: Record<string, string>, fr: Record<string, string>}} texts */
export function addTexts(texts) {
  Object.assign(dictionary.en, texts.en);
  Object.assign(dictionary.fr, texts.fr);
}

/**
 * The text of a key in the current language; {0}, {1}, ... are replaced by the arguments, and
 * {0|step|steps} by the word that goes with so many.
 */
export function t(key, ...args) {
  const text = dictionary[current][key] ?? dictionary.en[key] ?? key;
  const filled = text
    .replace(/\{(\d)\|([^|}]*)\|([^|}]*)\}/g, (_, index, one, many) =>
      isOne(args[Number(index)]) ? one : many,
    )
    .replace(/\{(\d)\}/g, (_, index) => String(args[Number(index)]));
  return current === "fr" ? unbroken(filled) : filled;
}

/** Whether the noun after a number is in the singular: French counts 0 and 1.9 there, English 1. */
function isOne(count) {
  const text = typeof count === "number" ? String(count) : String(count).replace(",", ".");
  const value = Number(text.replace("−", "-"));
  return current === "fr" ? Math.abs(value) < 2 : text === "1";
}

/** French signs keep to their word: no line breaks before « : » or inside the guillemets. */
function unbroken(text) {
  return text.replace(/ (?=[:;?!»%])/g, "\u00a0").replaceAll("« ", "«\u00a0");
}

export function language() {
  return current;
}

/** @param {"en"|"fr"} lang */
export function setLanguage(lang) {
  current = lang === "fr" ? "fr" : "en";
}

/** `?lang=` of the address, or the browser's language. */
export function preferredLanguage(search, browser) {
  const asked = new URLSearchParams(search).get("lang") ?? browser ?? "en";
  return asked.toLowerCase().startsWith("fr") ? "fr" : "en";
}

/** A number as the language writes it: 0.42, 0,42; with thousands: 12,345 and 12 345. */
export function number(value, digits = 2, { grouped = false } = {}) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  const text = (Object.is(Math.round(value * 10 ** digits), -0) ? 0 : value).toFixed(digits);
  const [whole, part] = text.replace("-", "−").split(".");
  const comma = current === "fr" ? "\u202f" : ",";
  const said = grouped ? whole.replace(/\d(?=(\d{3})+$)/g, `$&${comma}`) : whole;
  return part === undefined ? said : `${said}${current === "fr" ? "," : "."}${part}`;
}

/** A share as the language writes it: 18.8%, 18,8 %. */
export function percent(share, digits = 0) {
  const text = number(100 * share, digits);
  return Number.isFinite(share) ? `${text}${current === "fr" ? "\u00a0" : ""}%` : text;
}

/** A word between the language's quotation marks. */
export const quoted = (word) => (current === "fr" ? `«\u00a0${word}\u00a0»` : `“${word}”`);

/** A factor above 1, as exact as a reader needs it: 1.3, 42, 140,000. */
export function factor(value) {
  if (value < 10) return number(value, 1);
  const size = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return number(Math.round(value / size) * size, 0, { grouped: true });
}
