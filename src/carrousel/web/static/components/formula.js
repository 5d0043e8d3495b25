// @ts-check
/**
 * Formulas as MathML, from a line of plain notation: `f_t = σ(W_f [h_{t−1}, x_t] + b_f)`.
 * `_` and `^` take the next sign or a group in braces; `\c{name}{...}` gives a part the color of a
 * gate, `\f{...}{...}` is a fraction. Words of two letters and more are functions (tanh, log).
 */

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
const OPERATORS = /[=≔+−\-×·⊙(),[\]|≤<>:≈/∏∑∇‖…]/;

/** @param {string} text @param {boolean} [block] @returns {Element} */
export function formula(text, block = false) {
  const rest = [...text];
  const math = node("math", row(rest, ""));
  if (block) math.setAttribute("display", "block");
  return math;
}

/** @param {string[]} rest @param {string} end @returns {Element[]} */
function row(rest, end) {
  /** @type {Element[]} */
  const parts = [];
  while (rest.length && rest[0] !== end) {
    const sign = rest.shift();
    if (sign === " ") continue;
    if (sign === "_" || sign === "^") attach(parts, sign, group(rest));
    else parts.push(atom(sign, rest));
  }
  rest.shift();
  return parts;
}

/** @param {string} sign @param {string[]} rest @returns {Element} */
function atom(sign, rest) {
  if (sign === "\\")
    return rest.shift() === "f" ? node("mfrac", [group(rest), group(rest)]) : colored(rest);
  if (sign === "{") return node("mrow", row(rest, "}"));
  if (/\d/.test(sign)) return node("mn", sign + take(rest, /[\d.,]/));
  if (OPERATORS.test(sign)) return operator(sign);
  return node("mi", sign + take(rest, /[a-zà-ÿ]/i, /[a-zà-ÿ]/i.test(sign)));
}

/** @param {string[]} rest */
function colored(rest) {
  rest.shift(); // {
  const name = take(rest, /[a-z]/);
  rest.splice(0, 2); // }{
  const part = node("mrow", row(rest, "}"));
  part.setAttribute("data-gate", name);
  part.setAttribute("class", "colored");
  return part;
}

/** @param {string} sign */
function operator(sign) {
  const found = node("mo", sign);
  if ("([)]|".includes(sign)) found.setAttribute("stretchy", "false");
  return found;
}

/** @param {string[]} rest @returns {Element} */
function group(rest) {
  const sign = rest.shift();
  return atom(sign, sign === "{" || sign === "\\" ? rest : []);
}

/** @param {Element[]} parts @param {string} sign @param {Element} script */
function attach(parts, sign, script) {
  const base = parts.pop();
  const both = sign === "^" && base.tagName === "msub";
  const tag = both ? "msubsup" : sign === "_" ? "msub" : "msup";
  parts.push(node(tag, both ? [...base.children, script] : [base, script]));
}

/** @param {string[]} rest @param {RegExp} kind @param {boolean} [allowed] */
function take(rest, kind, allowed = true) {
  let text = "";
  while (allowed && rest.length && kind.test(rest[0])) text += rest.shift();
  return text;
}

/** @param {string} tag @param {string | Element[]} content */
function node(tag, content) {
  const element = document.createElementNS(NAMESPACE, tag);
  if (typeof content === "string") element.textContent = content;
  else element.append(...content);
  return element;
}
