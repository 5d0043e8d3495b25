// @ts-check
// The three cells that learn side by side, and their colors (as in the laboratory's figures).

import { CELLS, TAUGHT } from "../../net/cells.js";

export const KINDS = TAUGHT;

/** @type {Record<string, string>} */
export const COLORS = Object.fromEntries(KINDS.map((kind) => [kind, CELLS[kind].color]));

/** The gates of each that are shown while it learns. @type {Record<string, string[]>} */
export const GATES = Object.fromEntries(KINDS.map((kind) => [kind, CELLS[kind].learns]));
