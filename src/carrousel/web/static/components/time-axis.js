// @ts-check
/**
 * Where a time axis has its marks: at the beginnings of hours, days, months or years, whichever are
 * few enough to be written side by side, and named as the language names them.
 */

import { momentOf } from "../following.js";
import { roundStep } from "./scales.js";

const DAYS = 86_400_000; // milliseconds

/** From fine to coarse: a number that changes where one begins, and how it is named. */
const UNITS = [
  ...[1, 3, 6, 12].map((hours) => ({
    of: ({ day, hour }) => day * 24 + Math.floor(hour / hours) * hours,
    name: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  })),
  ...[1, 2].map((days) => ({
    of: ({ day }) => Math.floor(day / days),
    name: { day: "numeric", month: "short" },
  })),
  // Mondays: the first of January 1970 was a Thursday
  { of: ({ day }) => Math.floor((day + 3) / 7), name: { day: "numeric", month: "short" } },
  ...[1, 3, 6].map((months) => ({
    of: ({ year, month }) => Math.floor((year * 12 + month) / months),
    name: { month: "short", year: "numeric" },
  })),
  ...[1, 2, 5, 10, 20, 50, 100].map((years) => ({
    of: ({ year }) => Math.floor(year / years),
    name: { year: "numeric" },
  })),
];

/**
 * @param {string[]} times of all observations @param {number} from @param {number} to
 * @param {number} most marks @param {string} lang
 * @returns {{at: number, text: string}[]}
 */
export function timeTicks(times, from, to, most, lang) {
  const moments = times.map(read);
  const known = [];
  for (let at = Math.max(from, 0); at < Math.min(to, times.length); at++)
    if (moments[at]) known.push(at);
  if (known.length < 2) return counted(from, to, most);
  for (const { of, name } of UNITS) {
    const starts = known.filter((at) => moments[at - 1] && of(moments[at]) !== of(moments[at - 1]));
    if (starts.length > most) continue;
    const format = new Intl.DateTimeFormat(lang, /** @type {any} */ ({ ...name, timeZone: "UTC" }));
    return starts.map((at) => ({ at, text: format.format(moments[at].date) }));
  }
  return [];
}

/** Steps that have no date are counted. */
function counted(from, to, most) {
  const every = roundStep(Math.max(1, (to - from) / most));
  const first = Math.ceil(from / every) * every;
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / every)) }, (_, k) => ({
    at: first + k * every,
    text: String(first + k * every),
  }));
}

/** @param {string} time */
function read(time) {
  const date = momentOf(time)?.date;
  return (
    date && {
      date,
      year: date.getUTCFullYear(),
      month: date.getUTCMonth(),
      day: Math.floor(date.getTime() / DAYS),
      hour: date.getUTCHours() + date.getUTCMinutes() / 60,
    }
  );
}
