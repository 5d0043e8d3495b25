// @ts-check
/**
 * Text into tokens, as carrousel/text/tokenizer*.py and pieces.py do it: characters, words or byte
 * pairs. What a vocabulary does not hold is spelled by smaller tokens, in the end by the bytes of
 * its UTF-8.
 */

const VOWELS = "aeiouyhàâäæéèêëîïôöœùûüÿAEIOUYHÀÂÄÆÉÈÊËÎÏÔÖŒÙÛÜŸ";
const LETTER = "\\p{L}\\p{Nl}\\p{No}";
const MARK = "\\p{M}\\u200c\\u200d"; // of the letter before it
const LONGEST_PIECE = 100; // letters
const RUN = `[${LETTER}][${LETTER}${MARK}]{0,${LONGEST_PIECE - 1}}`;
const PIECES = new RegExp(
  [
    " ?[Aa]ujourd['’]hui",
    ` ?${RUN}['’](?=[${VOWELS}])`,
    `['’](?:s|t|re|ve|m|ll|d)(?![\\p{L}\\p{N}${MARK}_])`,
    ` ?${RUN}`,
    " ?\\p{Nd}",
    " ?[^\\p{L}\\p{N}\\s]",
    "\\s",
  ].join("|"),
  "gu",
);
const TYPOGRAPHIC = new RegExp(`(?<=[${LETTER}${MARK}])[’ʼ]`, "gu");
const WORD = /^ *\p{L}/u;

/** The words, marks and spaces of a text; words have the space before them. */
export const pieces = (text) => text.match(PIECES) ?? [];

/** Unicode normal form C, with ' for the typographic apostrophe after a letter. */
export const normalized = (text) => text.normalize("NFC").replace(TYPOGRAPHIC, "'");

/**
 * What comes before, and the last word with its apostrophe, of a text that ends with one; the second
 * is empty where none does. Only the vowel that follows tells an elision from an English ending or
 * a quotation mark, so that `pieces` cuts it off at the end of a text; a vocabulary may know better.
 * @param {string} text @returns {[string, string]}
 */
function splitElision(text) {
  if (!text.endsWith("'")) return [text, ""];
  const [word, mark] = pieces([...text].slice(-2 * LONGEST_PIECE).join("")).slice(-2);
  if (mark !== "'" || !WORD.test(word)) return [text, ""];
  return [text.slice(0, -word.length - 1), word + mark];
}

/** The pieces of a text, its last elision whole where the vocabulary knows it. */
function cut(text, knows) {
  const [before, elision] = splitElision(text);
  return elision && knows(elision) ? [...pieces(before), elision] : pieces(text);
}

/**
 * What is read of the beginning of a text, and what the next token has to begin with. A beginning
 * may end inside a token: words hold the space before them, and the apostrophe of "don'" is half of
 * "'t". Such an end is not read, it is left to be written (`Tokenizer.split_end` in Python).
 * @param {any} model @param {string} text in normal form @returns {[string, string]}
 */
export function splitEnd(model, text) {
  const { knows, starts } = encoderOf(model);
  if (!starts) return [text, ""];
  if (text.endsWith(" ")) return [text.slice(0, -1), " "];
  const [before, elision] = splitElision(text);
  if (!elision || knows(elision)) return [text, ""];
  if (starts(elision)) return [before, elision];
  return starts("'") ? [text.slice(0, -1), "'"] : [text, ""];
}

/** Numbers of the tokens of a text. @param {any} model @param {string} text @returns {number[]} */
export const encode = (model, text) =>
  encoderOf(model)
    .encode(normalized(text))
    .map(({ id }) => id);

const BEGIN = { known: true, text: "(start)", begin: true };
export const LONGEST = 400; // tokens that are read, as the server does

/**
 * The sentence as the network reads it: the token that begins a line, then its own.
 * `known` is false where a word had to be spelled; `spelled` lists those words, `beyond` counts the
 * tokens that were too many, `left` is what the next token begins with.
 */
export function readSentence(model, text, longest = LONGEST) {
  const { encode } = encoderOf(model);
  const [whole, left] = splitEnd(model, normalized(text));
  const all = encode(whole);
  const found = all.slice(0, longest);
  const tokens = found.map(({ id, known, text: own }) => ({
    id,
    known,
    text: own ?? shown(model.vocab[id]),
  }));
  const { begin } = model.meta.tokenizer; // null: lines begin with their first sign
  const read = begin === null ? tokens : [{ id: begin, ...BEGIN }, ...tokens];
  return {
    text,
    tokens: read,
    x: read.map((token) => token.id),
    beyond: all.length - found.length,
    left: found.length < all.length ? "" : left,
    spelled: [...new Set(found.filter((one) => !one.known).map((one) => one.piece.trim()))],
  };
}

/** Signs of typography by those of a keyboard, where the vocabulary has only the latter. */
const SIGNS = [
  [/[“”„«»]/g, '"'],
  [/[‘’ʼ]/g, "'"],
  [/[–—−]/g, "-"],
  [/…/g, "..."],
];

/** A text as a person types or pastes it, in the signs that the model knows. */
export function typed(model, text) {
  const { characters = "" } = model.meta.tokenizer;
  const known = new Set(characters || text); // byte pairs can write every sign
  const plain = SIGNS.reduce(
    (found, [sign, instead]) => found.replace(sign, (one) => (known.has(one) ? one : instead)),
    text.replace(/[\u00a0\u2007\u202f\u2009]/g, " "),
  );
  return plain.replace(/\s+/g, " ").replace(/^ /, "");
}

/** A token without the space before it; a space alone stays visible. */
export const shown = (token) => token.trim() || { " ": "␣", "\n": "⏎" }[token] || token;

const encoders = new WeakMap();

function encoderOf(model) {
  if (!encoders.has(model)) {
    const { level } = model.meta.tokenizer;
    const make = { char: characterEncoder, word: wordEncoder, bpe: pairEncoder }[level];
    encoders.set(model, make(model));
  }
  return encoders.get(model);
}

function wordEncoder(model) {
  const { words, characters } = model.meta.tokenizer;
  const known = new Map(model.vocab.slice(0, words).map((word, id) => [word, id]));
  const spell = speller(characters, words, true);
  const knows = (piece) => known.has(piece) || known.has(respaced(piece));
  const encode = (text) =>
    cut(text, knows).flatMap((piece) =>
      knows(piece)
        ? [{ id: known.get(piece) ?? known.get(respaced(piece)), known: true }]
        : spell(piece).map((one) => ({ ...one, known: piece.trim().length < 2, piece })),
    );
  return { encode, knows, starts: beginnings([...known.keys(), ...characters]) };
}

/**
 * The piece with the space before it that it has not, or without the one that it has: a word that is
 * known only so is read as that word. Single characters as they are: they need no spelling.
 * @param {string} piece
 */
function respaced(piece) {
  if ([...piece].length === 1) return piece;
  return piece.startsWith(" ") ? piece.slice(1) : ` ${piece}`;
}

/** Whether a token begins with something and goes on. @param {string[]} tokens */
const beginnings = (tokens) => (start) =>
  tokens.some((token) => token.startsWith(start) && token !== start);

function characterEncoder(model) {
  const { characters, byte_fallback } = model.meta.tokenizer;
  const spell = speller(characters, 0, byte_fallback);
  return {
    encode: (text) => spell(text).map((one) => ({ ...one, known: true })),
    knows: () => false,
  };
}

/** Characters in the order of their code points, then the bytes of all others. */
function speller(characters, first, fallback) {
  const single = [...characters];
  const index = new Map(single.map((character, k) => [character, first + k]));
  const bytes = new Map(fallbackBytes(index).map((byte, k) => [byte, first + single.length + k]));
  const utf8 = new TextEncoder();
  const byByte = (character) =>
    Array.from(utf8.encode(character), (byte, k) => ({
      id: bytes.get(byte),
      text: `${character}${"₁₂₃₄"[k]}`, // its first byte, its second
    }));
  return (text) =>
    [...text].flatMap((character) => {
      if (index.has(character)) return [{ id: index.get(character) }];
      return fallback ? byByte(character) : [];
    });
}

function fallbackBytes(index) {
  const range = (from, to) => Array.from({ length: to - from }, (_, k) => from + k);
  const single = range(0, 0x80).filter((byte) => !index.has(String.fromCharCode(byte)));
  return [...single, ...range(0x80, 0xc0), ...range(0xc2, 0xf5)];
}

/** Byte pairs: merges in the order in which they were learned, inside pieces. */
function pairEncoder(model) {
  const { ids, merges } = model.meta.tokenizer;
  const rank = new Map(merges.map((pair, k) => [pair, k]));
  const index = new Map(ids.map((name, id) => [name, id]));
  const letters = byteCharacters();
  const utf8 = new TextEncoder();
  const spelled = (text) => [...utf8.encode(text)].map((byte) => letters[byte]);
  const merge = (piece) => merged(spelled(piece), rank);
  const starts = beginnings(ids);
  const knows = (elision) => {
    const found = merge(elision);
    // Its apostrophe was merged with letters, and not for another word's sake.
    return (
      found.length === 1 || (found.at(-1).length > 1 && merge(elision.slice(0, -1)).length > 1)
    );
  };
  const encode = (text) =>
    cut(text, knows).flatMap((piece) =>
      merge(piece).map((name) => ({ id: index.get(name), known: true })),
    );
  return { encode, knows, starts: (start) => starts(spelled(start).join("")) };
}

function merged(parts, rank) {
  for (;;) {
    let best = Infinity;
    let at = -1;
    for (let k = 0; k + 1 < parts.length; k++) {
      const here = rank.get(`${parts[k]} ${parts[k + 1]}`) ?? Infinity;
      if (here < best) [best, at] = [here, k];
    }
    if (at < 0) return parts;
    parts.splice(at, 2, parts[at] + parts[at + 1]);
  }
}

/** The printable character by which byte level BPE writes each byte. */
function byteCharacters() {
  const plain = (byte) =>
    (byte >= 0x21 && byte < 0x7f) || (byte >= 0xa1 && byte < 0xad) || byte >= 0xae;
  let other = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(plain(byte) ? byte : other++),
  );
}
