// @ts-check
/**
 * Text into tokens, as carrousel/text/tokenizer*.py and pieces.py do it: characters, words or byte
 * pairs. What a vocabulary does not hold is spelled by smaller tokens, in the end by the bytes of
 * its UTF-8.
 */

const VOWELS = "aeiouyhàâäæéèêëîïôöœùûüÿAEIOUYHÀÂÄÆÉÈÊËÎÏÔÖŒÙÛÜŸ";
const LETTER = "\\p{L}\\p{Nl}\\p{No}";
const MARK = "\\p{M}\\u200c\\u200d"; // of the letter before it
const LONGEST = 100; // letters of a piece
const RUN = `[${LETTER}][${LETTER}${MARK}]{0,${LONGEST - 1}}`;
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
const WORD = new RegExp(`^ ?[${LETTER}]`, "u");

/** The words, marks and spaces of a text; words have the space before them. */
export const pieces = (text) => text.match(PIECES) ?? [];

/** Unicode normal form C, with ' for the typographic apostrophe after a letter. */
export const normalized = (text) => text.normalize("NFC").replace(TYPOGRAPHIC, "'");

/**
 * The pieces of a text. Only the vowel that follows tells an elision from a quotation mark: at the
 * end of a text, a word with its apostrophe is one piece where the vocabulary knows it.
 */
function cut(text, knows) {
  const found = pieces(text);
  const [word, mark] = found.slice(-2);
  return mark === "'" && WORD.test(word) && knows(word + mark)
    ? [...found.slice(0, -2), word + mark]
    : found;
}

/**
 * The sentence as the network reads it: the token that begins a line, then its own.
 * `known` is false where a word had to be spelled.
 */
export function readSentence(model, text, longest = 60) {
  const encode = encoderOf(model);
  const found = encode(normalized(text)).slice(0, longest);
  const tokens = found.map(({ id, known }) => ({ id, known, text: shown(model.vocab[id]) }));
  const { begin } = model.meta.tokenizer;
  const all = [{ id: begin, known: true, text: "▸" }, ...tokens];
  return { text, tokens: all, x: all.map((token) => token.id) };
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
  return (text) =>
    cut(text, (piece) => known.has(piece)).flatMap((piece) =>
      known.has(piece)
        ? [{ id: known.get(piece), known: true }]
        : spell(piece).map((id) => ({ id, known: piece.trim().length < 2 })),
    );
}

function characterEncoder(model) {
  const { characters, byte_fallback } = model.meta.tokenizer;
  const spell = speller(characters, 0, byte_fallback);
  return (text) => spell(text).map((id) => ({ id, known: true }));
}

/** Characters in the order of their code points, then the bytes of all others. */
function speller(characters, first, fallback) {
  const single = [...characters];
  const index = new Map(single.map((character, k) => [character, first + k]));
  const bytes = new Map(fallbackBytes(index).map((byte, k) => [byte, first + single.length + k]));
  const utf8 = new TextEncoder();
  return (text) =>
    [...text].flatMap((character) => {
      if (index.has(character)) return [index.get(character)];
      return fallback ? [...utf8.encode(character)].map((byte) => bytes.get(byte)) : [];
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
  const merge = (piece) =>
    merged(
      [...utf8.encode(piece)].map((byte) => letters[byte]),
      rank,
    );
  const knows = (elision) => {
    const found = merge(elision);
    // Its apostrophe was merged with letters, and not for another word's sake.
    return (
      found.length === 1 || (found.at(-1).length > 1 && merge(elision.slice(0, -1)).length > 1)
    );
  };
  return (text) =>
    cut(text, knows).flatMap((piece) =>
      merge(piece).map((name) => ({ id: index.get(name), known: true })),
    );
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
