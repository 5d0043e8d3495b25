// @ts-check
/**
 * A series of one's own: pasted once, it is what networks are trained on, and every forecaster
 * offers it beside the series that it came with.
 */

import { keepInAddress } from "./address.js";
import { following, stepOf } from "./following.js";
import { readPasted } from "./net/pasted.js";

const OWN = { en: "your series", fr: "votre série" };
const settings = keepInAddress("own", { series: "" });

/** @typedef {import("./net/pasted.js").Pasted} Pasted */

export const ownText = () => settings.series;

/** What was pasted, if it can be read. @returns {Pasted | null} */
function ownSeries() {
  try {
    return settings.series ? readPasted(settings.series) : null;
  } catch {
    return null; // an address may say anything
  }
}

/**
 * Takes a text for the series of one's own.
 * @param {string} text @returns {Pasted}
 * @throws {import("./net/pasted.js").SeriesError} it cannot be read; what was there before stays
 */
export function pasteOwn(text) {
  const found = readPasted(text);
  settings.series = text;
  return found;
}

/** A forecaster with the series of one's own behind its own ones; the same where it has it already.
 * @param {any} model */
export function withOwnSeries(model) {
  if (model.meta.task !== "forecast" || model.meta.trained) return model;
  const { series, shape } = model.meta;
  if ((series.find((one) => one.own)?.own ?? "") === settings.series) return model;
  const own = ownSeries();
  const others = series.filter((one) => !one.own);
  const all = own ? [...others, { ...storedSeries(own, shape.h), own: settings.series }] : others;
  return all.length === series.length && !own
    ? model
    : { ...model, meta: { ...model.meta, series: all } };
}

/** As a forecaster keeps its series; values without dates are counted.
 * @param {{values: number[], times: string[] | null}} pasted @param {number} h */
export function storedSeries({ values, times }, h) {
  const numbers = (from, count) => Array.from({ length: count }, (_, k) => String(from + k));
  return {
    id: "own",
    title: OWN,
    y: Float64Array.from(values),
    nonnegative: counts(values),
    times: times ?? numbers(1, values.length),
    future: times ? following(times, h) : numbers(values.length + 1, h),
  };
}

/** Whether a series can be taken for counts (carrousel/forecast/intervals/calibration.py). */
function counts(values) {
  const known = values.filter(Number.isFinite);
  const nothing = known.filter((value) => value === 0).length;
  return (
    known.every((v) => v >= 0) && (known.every(Number.isInteger) || nothing >= 0.05 * known.length)
  );
}

/**
 * Whether the dates of one's own series follow each other in another step than those that the model
 * has learned from: null where either cannot be told.
 * @param {any} model
 */
export function otherStep(model) {
  const [first, own] = [model.meta.series[0], model.meta.series.find((one) => one.own)];
  if (!own || own === first) return null;
  const steps = [first, own].map(({ times }) => stepOf(times));
  return steps.includes(null) ? null : steps[0] !== steps[1];
}
