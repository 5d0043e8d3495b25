// @ts-check
/** What a difference of log-probability means, in words: likelier, less likely, or about the same. */

import { factor, t } from "./i18n.js";

const SAME = 1.05; // factors nearer to 1 are not told apart
const MOST = 1e6; // and beyond this one no number says more

/**
 * `lost`: by how many nats a guess would be less likely. "1.3 times less likely",
 * "2 times likelier", "about as likely".
 * @param {number} lost
 */
export function likelihood(lost) {
  const times = Math.exp(Math.abs(lost));
  if (!(times >= SAME)) return t("odds.same");
  const said = times > MOST ? t("odds.over", factor(MOST)) : factor(times);
  return t(lost > 0 ? "odds.less" : "odds.more", said);
}
