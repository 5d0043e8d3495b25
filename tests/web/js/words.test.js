// @ts-check
// How numbers, shares, factors and words are written in either language.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addTexts,
  factor,
  number,
  percent,
  quoted,
  setLanguage,
  t,
} from "../../../src/carrousel/web/static/i18n.js";
import { likelihood } from "../../../src/carrousel/web/static/odds.js";
import texts from "../../../src/carrousel/web/static/texts/page.js";

addTexts(texts);
addTexts({
  en: { "test.count": "There {0|is|are} {0} {0|number|numbers}" },
  fr: { "test.count": "Il y a {0} {0|nombre|nombres}" },
});
/** @param {"en" | "fr"} lang @param {() => string} say */
const inLanguage = (lang, say) => {
  setLanguage(lang);
  return say();
};

test("one number, two numbers, in each language's way", () => {
  const counts = (lang, n) => inLanguage(lang, () => t("test.count", n));
  assert.equal(counts("en", 1), "There is 1 number");
  assert.equal(counts("en", 0), "There are 0 numbers");
  assert.equal(counts("en", "1.0"), "There are 1.0 numbers");
  assert.equal(counts("fr", 0), "Il y a 0 nombre");
  assert.equal(counts("fr", "1,5"), "Il y a 1,5 nombre");
  assert.equal(counts("fr", 2), "Il y a 2 nombres");
});

test("shares, quotation marks and thousands", () => {
  assert.equal(
    inLanguage("en", () => percent(0.188, 1)),
    "18.8%",
  );
  assert.equal(
    inLanguage("fr", () => percent(0.188, 1)),
    "18,8\u00a0%",
  );
  assert.equal(
    inLanguage("en", () => quoted("des")),
    "“des”",
  );
  assert.equal(
    inLanguage("fr", () => quoted("des")),
    "«\u00a0des\u00a0»",
  );
  assert.equal(
    inLanguage("en", () => number(-1234567.25, 1, { grouped: true })),
    "−1,234,567.3",
  );
  assert.equal(
    inLanguage("fr", () => number(12345, 0, { grouped: true })),
    "12\u202f345",
  );
});

test("factors are as exact as a reader needs them", () => {
  setLanguage("en");
  assert.deepEqual([1.26, 9.94, 42.4, 347, 138879.5].map(factor), [
    "1.3",
    "9.9",
    "42",
    "350",
    "140,000",
  ]);
});

/** @type {[number, string, string][]} */
const ODDS = [
  [Math.log(2), "2.0 times less likely", "2,0 fois moins probable"],
  [-Math.log(2), "2.0 times likelier", "2,0 fois plus probable"],
  [0, "about as likely", "à peu près aussi probable"],
  [-0.04, "about as likely", "à peu près aussi probable"],
  [Math.log(138879.5), "140,000 times less likely", "140\u202f000 fois moins probable"],
  [40, "more than 1,000,000 times less likely", "plus de 1\u202f000\u202f000 fois moins probable"],
];
for (const [lost, en, fr] of ODDS) {
  test(`${lost} nats lost: ${en}`, () => {
    assert.equal(
      inLanguage("en", () => likelihood(lost)),
      en,
    );
    assert.equal(
      inLanguage("fr", () => likelihood(lost)),
      fr,
    );
  });
}
