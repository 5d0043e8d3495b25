/** Sentences into words and back; the same rule as carrousel/web/words.py. */

const WORD = /\p{L}+'|\p{L}+|\p{Nd}+|[^\p{L}\p{N}_\s]/gu;

/** `splitWords("Hier soir j’ai faim.")` is `["hier", "soir", "j'", "ai", "faim", "."]`. */
export function splitWords(text) {
  const plain = text.normalize("NFC").replaceAll("’", "'");
  return (plain.match(WORD) ?? []).map((word) => word.toLowerCase());
}

/**
 * The sentence as the network reads it: the sign for a beginning, then the words.
 * A word that the model does not know keeps its text and is marked.
 */
export function readSentence(model, text, longest = 60) {
  const index = indexOf(model);
  const { begin, unknown } = model.meta;
  const words = splitWords(text).slice(0, longest);
  const tokens = [{ text: "▸", id: begin, known: true }];
  for (const word of words) {
    const id = index.get(word);
    tokens.push({ text: word, id: id ?? unknown, known: id !== undefined });
  }
  return { text, tokens, x: tokens.map((token) => token.id) };
}

const indices = new WeakMap();

function indexOf(model) {
  if (!indices.has(model)) {
    indices.set(model, new Map(model.vocab.map((word, id) => [word, id])));
  }
  return indices.get(model);
}
