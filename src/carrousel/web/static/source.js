// @ts-check
/** Where models come from: the server, or this very file when the page was exported. */

/**
 * @typedef {{name: string, task: string, title: Record<string, string>, kind: string,
 *   family: string | null, language: string | null}} Known  family: models of one differ only in their cell
 */

/** @type {Known[]} */
let known = [];

/** The models of the menu, once `listModels` has answered. */
export const knownModels = () => known;

/** What hears: it is shown by a view of its own, and not in the menu. @type {Known | null} */
let hearing = null;
export const hearingModel = () => hearing;

/** @returns {Promise<Known[]>} */
export async function listModels() {
  /** @type {NodeListOf<HTMLElement>} */
  const found = document.querySelectorAll("script[data-model]");
  const embedded = [...found];
  const all = embedded.length
    ? embedded.map((one) => JSON.parse(one.dataset.model))
    : await fetchJson("api/models");
  hearing = all.find(({ task }) => task === "speech") ?? null;
  known = all.filter((one) => one !== hearing);
  return known;
}

/** The JSON of one model; net/load.js decodes it. */
export async function fetchModel(name) {
  const model = embeddedJson(`model:${name}`);
  if (!model) return fetchJson(`api/models/${encodeURIComponent(name)}`);
  for (const part of ["vocab", "embedding"])
    if (typeof model[part] === "number") model[part] = embeddedJson(`shared:${model[part]}`);
  return model;
}

/** What an exported page holds under this id, null for nothing. @param {string} id */
function embeddedJson(id) {
  const embedded = document.getElementById(id);
  return embedded && JSON.parse(embedded.textContent);
}

async function fetchJson(address) {
  const response = await fetch(address);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
