// @ts-check
/** Where models come from: the server, or this very file when the page was exported. */

/** @returns {Promise<{name: string, task: string, title: object}[]>} */
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
  const embedded = document.getElementById(id);
  if (embedded) return JSON.parse(embedded.textContent);
  return fetchJson(`api/models/${encodeURIComponent(name)}`);
}

async function fetchJson(address) {
  const response = await fetch(address);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
