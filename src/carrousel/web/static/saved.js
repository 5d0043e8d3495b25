// @ts-check
/** Model, input, step, unit and look as parameters of the address, and back. */

import { asked } from "./address.js";
import { findTrained, SMALL, trainedNamed } from "./live.js";

/** @typedef {(name: string) => string | null} Asked */

/** How the page is shown: inside another, without controls, in a lecture. */
export const flags = {
  embed: asked("embed") === "1",
  hide: asked("hide") === "1",
  present: asked("present") === "1",
};
const MOST_MOVED = 40; // points that a link carries

/**
 * @param {any} state @param {{lang: string, theme: string}} first as the page would begin
 * @returns {Record<string, string | null>}
 */
export function stateValues(state, first) {
  const { model, input, record, step, unit, layer, lang, theme, operation } = state;
  if (!model) return {};
  const language = model.meta.task === "language";
  const query = new URLSearchParams(location.search);
  return {
    model: model.name,
    text: language ? input.text : null,
    series: language || !input.index ? null : String(input.index),
    end: language || input.end === input.values.length ? null : String(input.end),
    moved: language ? null : movedText(input),
    step: step < record.T - 1 ? String(step) : null,
    unit: unit === null ? null : String(unit),
    layer: layer === model.layers.length - 1 ? null : String(layer),
    op: operation < 6 ? String(operation) : null,
    lang: lang === (query.get("lang") ?? first.lang) ? null : lang,
    theme: theme === (query.get("theme") ?? first.theme) ? null : theme,
    ...Object.fromEntries(Object.entries(flags).map(([name, on]) => [name, on ? "1" : null])),
  };
}

/** Points that were dragged: "12:5.3,40:7". */
function movedText(input) {
  const found = [...(input.moved ?? [])].slice(0, MOST_MOVED);
  return found.length
    ? found.map(([at, value]) => `${at}:${+value.toPrecision(6)}`).join(",")
    : null;
}

/**
 * Which model the address names and what is looked at in it.
 * @param {{name: string, task: string, language: string | null}[]} models @param {Asked} asked
 * @param {string} lang of the page: its sentences come first
 */
export async function lookOf(models, asked, lang) {
  const wanted = asked("model");
  const first = models.find(({ language }) => language === lang) ?? models[0];
  const known =
    wanted === null ? first : (models.find((one) => one.name === wanted) ?? (await here(wanted)));
  const name = known?.name ?? (SMALL.test(wanted ?? "") ? wanted : first.name);
  if (wanted !== null && wanted !== name) return { name, options: { missing: wanted } };
  const look = Object.fromEntries(
    ["step", "unit", "layer"].map((key) => [key, whole(asked(key))]).filter(([, v]) => v !== null),
  );
  const text = asked("text");
  const series = known?.task === "forecast" ? movedOf(asked) : undefined;
  return { name, options: { ...(text === null ? {} : { text }), look, series } };
}

/** A network that was trained in this browser. @param {string} wanted */
async function here(wanted) {
  if (!wanted.startsWith("trained-")) return null;
  await findTrained();
  const model = trainedNamed(wanted);
  return model && { name: wanted, task: model.meta.task };
}

/** @param {string | null} text */
const whole = (text) => (text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null);

/** @param {Asked} asked */
function movedOf(asked) {
  const points = (asked("moved") ?? "")
    .split(",")
    .map((pair) => pair.split(":").map(Number))
    .filter((pair) => pair.length === 2 && pair.every(Number.isFinite));
  return { index: whole(asked("series")) ?? 0, end: whole(asked("end")), points };
}
