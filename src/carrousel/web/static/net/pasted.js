// @ts-check
// A pasted series: numbers as English or as French writes them, dates in a first column, holes.
//
// What is read must be the only way to read it. Where "1,234" could be either 1234 or 1.234, or the
// commas could part a list, nothing is guessed: the error says what to write instead.

export const MOST_VALUES = 5000;
const LEAST_VALUES = 12;
const LARGEST = 1e100; // beyond, squares overflow

/** @typedef {"word" | "few" | "many" | "ambiguous" | "columns"} Reason */

/** What is wrong with a pasted series, and where. */
export class SeriesError extends RangeError {
  /** @param {Reason} reason @param {string} detail the word, or how many */
  constructor(reason, detail) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * @typedef {Object} Pasted
 * @property {number[]} values NaN where there is a hole
 * @property {string[] | null} times the first column, where it holds dates
 * @property {"point" | "comma"} decimal
 * @property {number} holes
 */

const HOLE = /^(|nan|na|n\/a|null|none|\?|-|–)$/i;
const DATE =
  /^["']?(\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?|\d{1,2}[./]\d{1,2}[./]\d{4})["']?(?=[\s;,]|$)/;
const EXPONENT = "(?:e[-+]?\\d+)?";
const SPACED = /^[-+]?\d{1,3}( \d{3})+([.,]\d+)?$/;
/** English and French: groups of three, and the decimal sign. */
const GRAMMARS = {
  point: new RegExp(`^[-+]?(?:\\d{1,3}(?:,\\d{3})+|\\d+)?(?:\\.\\d*)?${EXPONENT}$`, "i"),
  comma: new RegExp(`^[-+]?(?:\\d{1,3}(?:\\.\\d{3})+|\\d+)?(?:,\\d*)?${EXPONENT}$`, "i"),
};

/**
 * @param {string} text
 * @returns {Pasted}
 * @throws {SeriesError}
 */
export function readPasted(text) {
  const lines = plain(text)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  const dated = withoutDates(lines);
  const { fields, decimal } = parsed(dated.lines, dated.times !== null);
  const values = fields.map((field) => valueOf(field, decimal));
  if (values.length < LEAST_VALUES) throw new SeriesError("few", String(values.length));
  if (values.length > MOST_VALUES) throw new SeriesError("many", String(values.length));
  const holes = values.filter(Number.isNaN).length;
  if (values.length - holes < LEAST_VALUES)
    throw new SeriesError("few", String(values.length - holes));
  return { values, times: dated.times, decimal, holes };
}

/** With "-" for a minus sign, and without the thin spaces and apostrophes between thousands. */
function plain(text) {
  return text
    .replace(/[\u2212\u2012]/g, "-")
    .replace(/(?<=\d)[\u00a0\u202f\u2009'’](?=\d{3}(?!\d))/g, "")
    .replace(/[\u00a0\u202f\u2009]/g, " ");
}

/** Lines without the dates in front, if all have one; a line of names above them is left out.
 * @param {string[]} lines */
function withoutDates(lines) {
  const found = lines.map((line) => DATE.exec(line));
  const first = found.length > 1 && found[0] === null ? 1 : 0;
  if (lines.length < 2 || found.slice(first).some((one) => one === null))
    return { lines: hasNames(lines) ? lines.slice(1) : lines, times: null };
  const rest = lines
    .slice(first)
    .map((line, k) => line.slice(found[k + first][0].length).replace(/^\s*[;,\t]?\s*/, ""));
  return { lines: rest, times: found.slice(first).map((one) => one[1]) };
}

/** Whether the first line is the name of a column: letters, while what follows has none.
 * @param {string[]} lines */
function hasNames(lines) {
  const words = (line) =>
    line.split(/[\s;,]+/).some((w) => /^["']?\p{L}/u.test(w) && !HOLE.test(w));
  return lines.length > LEAST_VALUES && words(lines[0]) && !lines.slice(1).some(words);
}

/** The fields of all lines, and how their numbers are written.
 * @param {string[]} lines @param {boolean} dated one number a line
 * @returns {{fields: string[], decimal: "point" | "comma"}} */
function parsed(lines, dated) {
  const separator = ["\t", ";"].find((sign) => lines.some((line) => line.includes(sign)));
  if (dated) {
    const wide = lines.find((line) =>
      separator ? line.includes(separator) : /\S\s+\S/.test(line),
    );
    if (wide !== undefined) throw new SeriesError("columns", wide.slice(0, 20));
    return written(lines);
  }
  if (separator) return written(lines.flatMap((line) => cells(line, separator)));
  return loose(lines);
}

/** Fields of a line; nothing follows a separator at its end. @param {string} line @param {string} separator */
function cells(line, separator) {
  const found = line.split(separator).map((field) => field.trim());
  return found.length > 1 && found[found.length - 1] === "" ? found.slice(0, -1) : found;
}

/** Numbers parted by spaces, lines or commas: which of them, their commas tell.
 * @param {string[]} lines @returns {{fields: string[], decimal: "point" | "comma"}} */
function loose(lines) {
  const spaced = lines.some((line) => SPACED.test(line) && /[.,]\d+$/.test(line));
  if (spaced && lines.every((line) => SPACED.test(line) || HOLE.test(line) || !/\s/.test(line)))
    return written(lines); // a number a line, with spaces between thousands
  const words = lines.flatMap((line) => line.split(/,?\s+/)).map((word) => word.replace(/,$/, ""));
  const lists = words.filter((word) => word.includes(","));
  if (lists.length === 0) return written(words);
  const parted = lines.flatMap((line) => line.split(/\s*,\s*|\s+/));
  const list = () => written(lines.flatMap((line) => cells(line.replace(/\s+/g, ","), ",")));
  const asNumbers = Object.values(GRAMMARS).some((grammar) => words.every((w) => fits(grammar, w)));
  if (!asNumbers || words.length === 1)
    return parted.length > words.length ? list() : written(words);
  const thousands = lists.every((word) => /^[-+]?\d{1,3}(,\d{3})+$/.test(word));
  const several = lists.some((word) => /,\d+,/.test(word));
  if (thousands && several && !lists.some((word) => /,0\d\d/.test(word)))
    throw new SeriesError("ambiguous", lists[0].slice(0, 20)); // 100,200,300: a number or a list
  return written(words);
}

/** @param {RegExp} grammar @param {string} field */
const fits = (grammar, field) => HOLE.test(field) || (/\d/.test(field) && grammar.test(field));

/** How the numbers are written: as one language writes them all, and only one.
 * @param {string[]} fields @returns {{fields: string[], decimal: "point" | "comma"}} */
function written(fields) {
  const bare = fields.map((field) =>
    field.replace(/^["']|["']$/g, "").replace(/(\d) (?=\d{3}(\D|$))/g, "$1"),
  );
  const allowed = Object.entries(GRAMMARS)
    .filter(([, grammar]) => bare.every((field) => fits(grammar, field)))
    .map(([name]) => /** @type {"point" | "comma"} */ (name));
  if (allowed.length === 0) throw new SeriesError("word", unreadable(bare));
  const comma = bare.find((field) => field.includes(","));
  if (allowed.length > 1 && comma !== undefined)
    throw new SeriesError("ambiguous", comma.slice(0, 20));
  return { fields: bare, decimal: allowed[0] };
}

/** The first field that is no number in the way in which most are written. @param {string[]} fields */
function unreadable(fields) {
  const [grammar] = Object.values(GRAMMARS).sort((a, b) => count(fields, b) - count(fields, a));
  return fields.find((field) => !fits(grammar, field)).slice(0, 20);
}

/** @param {string[]} fields @param {RegExp} grammar */
const count = (fields, grammar) => fields.filter((field) => fits(grammar, field)).length;

/** @param {string} field @param {"point" | "comma"} decimal @returns {number} */
function valueOf(field, decimal) {
  if (HOLE.test(field)) return NaN;
  const value = Number(
    decimal === "point" ? field.replaceAll(",", "") : field.replaceAll(".", "").replace(",", "."),
  );
  if (!(Math.abs(value) <= LARGEST)) throw new SeriesError("word", field.slice(0, 20));
  return value;
}
