// @ts-check
/** What was chosen; kept while other views are looked at, and when the language changes. */

import { keepInAddress } from "../../address.js";
import { ownText } from "../../own-series.js";
import { readPasted } from "../../net/pasted.js";
import { adding, heldOf, recall, series, sine } from "../../net/tasks.js";
import { KINDS } from "./networks.js";

const TASKS = { recall, adding, sine };
export const TASK_NAMES = [...Object.keys(TASKS), "series"];
export const PACES = [1, 2, 5, 10, 20, 50, Infinity]; // updates a second

/** What each may be. */
export const RANGES = {
  task: { among: TASK_NAMES },
  steps: { min: 5, max: 60 },
  hidden: { min: 2, max: 32 },
  kinds: { among: KINDS },
  forgetBias: { min: -1, max: 6 },
  rate: { min: -4, max: 0 },
  pace: { min: 0, max: PACES.length - 1 },
  seed: { min: 0, max: 1e6 },
  optimizer: { among: ["adam", "sgd"] },
};

export const settings = keepInAddress(
  "train",
  {
    task: "recall",
    steps: 30,
    hidden: 12,
    kinds: [...KINDS],
    forgetBias: 2,
    rate: -2,
    pace: PACES.length - 1,
    seed: 1,
    optimizer: /** @type {"adam" | "sgd"} */ ("adam"),
  },
  RANGES,
);

/** What stands in the field until something is pasted. */
let suggested = "";

/** The text of the series that is learned, or would be. */
export const seriesText = () => ownText() || suggested;

/** @param {any} input of the page */
export function suggest(input) {
  suggested ||= firstSeries(input);
}

/** The task that is chosen, and the dates of its series. */
export function chosenTask() {
  if (settings.task !== "series")
    return { task: TASKS[settings.task](settings.steps), times: null };
  const { values, times } = readPasted(seriesText());
  return { task: series(values, settings.steps, heldOf(values)), times };
}

/** Numbers to begin with: the series that the page shows, or a trend with seasons. @param {any} input */
function firstSeries(input) {
  const shown = input?.values && [...input.values].filter(Number.isFinite).slice(-200);
  const values = shown?.length ? shown : Array.from({ length: 96 }, invented);
  return values.map((value) => Number(value.toPrecision(4))).join(" ");
}

function invented(_, month) {
  const season = (2 * Math.PI * month) / 12;
  return 100 + 0.8 * month + (18 + 0.15 * month) * Math.sin(season) + 6 * Math.cos(3 * season);
}
