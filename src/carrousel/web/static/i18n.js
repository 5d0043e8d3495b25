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

/** The text of a key in the current language; {0}, {1}, ... are replaced by the arguments. */
export function t(key, ...args) {
  const text = dictionary[current][key] ?? dictionary.en[key] ?? key;
  const filled = text.replace(/\{(\d)\}/g, (_, index) => String(args[Number(index)]));
  return current === "fr" ? unbroken(filled) : filled;
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

/** A number as the language writes it: 0.42, 0,42. */
export function number(value, digits = 2) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  const text = (Object.is(Math.round(value * 10 ** digits), -0) ? 0 : value).toFixed(digits);
  const signed = text.replace("-", "−");
  return current === "fr" ? signed.replace(".", ",") : signed;
}
