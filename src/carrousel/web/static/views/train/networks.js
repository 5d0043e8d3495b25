// @ts-check
// The three cells that learn side by side, and their colors (as in the laboratory's figures).

export const KINDS = ["rnn", "gru", "lstm"];

/** @type {Record<string, string>} */
export const COLORS = { rnn: "--cell", gru: "--update", lstm: "--forget" };

/** The gates of each that are shown while it learns. @type {Record<string, string[]>} */
export const GATES = { lstm: ["forget", "input", "output"], gru: ["update", "reset"], rnn: [] };
