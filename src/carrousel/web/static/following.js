// @ts-check
/** The dates after those of a series, where they follow each other evenly. */

const DATE = /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:[T ](\d{1,2}):(\d{2}))?/;

/**
 * @param {string[]} times @param {number} count
 * @returns {string[]} as the last ones are written; "+1", "+2" where no rule can be seen
 */
export function following(times, count) {
  const plain = Array.from({ length: count }, (_, k) => `+${k + 1}`);
  const step = stepBetween(times);
  if (!step) return plain;
  const { date, written } = momentOf(times[times.length - 1]);
  return plain.map((_, k) => {
    const next = new Date(date);
    if (step.months) next.setUTCMonth(date.getUTCMonth() + (k + 1) * step.months);
    else next.setTime(date.getTime() + (k + 1) * step.milliseconds);
    return next.toISOString().replace("T", " ").slice(0, written);
  });
}

/** The step between dates, in a word to compare; null where they follow no rule.
 * @param {string[]} times */
export function stepOf(times) {
  const step = stepBetween(times);
  return step && (step.months ? `${step.months} months` : `${step.milliseconds} ms`);
}

/** @param {string[]} times @returns {{months: number, milliseconds: number} | null} */
function stepBetween(times) {
  const moments = times.map(momentOf);
  if (times.length < 2 || moments.some((one) => one === null)) return null;
  const sameDay = moments.every(({ date }) => date.getUTCDate() === moments[0].date.getUTCDate());
  const counted = moments.map(({ date }) => date.getUTCFullYear() * 12 + date.getUTCMonth());
  const months = (sameDay && evenStep(counted)) || 0;
  const milliseconds = evenStep(moments.map(({ date }) => date.getTime())) ?? 0;
  return months || milliseconds ? { months, milliseconds } : null;
}

/** A date as it is written, year first; null where it is none. @param {string} time */
export function momentOf(time) {
  const found = DATE.exec(time);
  if (!found) return null;
  const [, year, month, day = "1", hour = "0", minute = "0"] = found;
  const date = new Date(Date.UTC(+year, +month - 1, +day, +hour, +minute));
  return { date, written: found[4] ? 16 : found[3] ? 10 : 7 };
}

/** The difference that all have, or null. @param {number[]} numbers */
function evenStep(numbers) {
  const step = numbers[1] - numbers[0];
  const even = numbers.every((value, k) => k === 0 || value - numbers[k - 1] === step);
  return even && step > 0 ? step : null;
}
