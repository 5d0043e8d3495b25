// @ts-check
/** Names of what is read: tokens, and the steps of a series. */

import { quoted, t } from "../i18n.js";

/** A token as the page writes it; the one that begins a line has a name. */
export const tokenName = (token) => (token?.begin ? t("page.begin") : (token?.text ?? ""));

/** The same between quotation marks; a name needs none. */
export const quotedToken = (token) => (token?.begin ? tokenName(token) : quoted(tokenName(token)));

/** Names of all steps of an input. @param {any} input @returns {string[]} */
export const stepNames = (input) => input.tokens?.map(tokenName) ?? input.labels;
