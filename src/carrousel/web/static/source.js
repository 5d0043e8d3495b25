// @ts-check
/** Where models come from: the server, or this very file when the page was exported. */

/**
 * Models of one family differ in their cell alone.
 * @returns {Promise<{name: string, task: string, title: object, family: string | null}[]>}
 */
export async function listModels() {
  /** @type {NodeListOf<HTMLElement>} */
  const found = document.querySelectorAll("script[data-model]");
  const embedded = [...found];
  if (embedded.length) return embedded.map((one) => JSON.parse(one.dataset.model));
  return fetchJson("api/models");
}

/** The JSON of one model; net/load.js decodes it. */
export async function fetchModel(name) {
  const id = `model:${name}`;
  const model = embeddedJson(id);
  if (typeof model?.vocab === "number") model.vocab = embeddedJson(`vocab:${model.vocab}`);
  if (model) return model;
  return fetchJson(`api/models/${encodeURIComponent(name)}`);
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
