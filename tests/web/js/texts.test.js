// Both languages say the same things, with the same blanks to fill.

import assert from "node:assert/strict";
import { test } from "node:test";

const blanks = (text) =>
  [...text.matchAll(/\{(\d)\}/g)]
    .map(([, digit]) => digit)
    .sort()
    .join("");

for (const view of ["cell", "gradient", "train"]) {
  const { en, fr } = await import(`../../../src/carrousel/web/static/texts/${view}.js`);

  test(`${view}: every text exists in English and in French`, () => {
    assert.deepEqual(Object.keys(fr).sort(), Object.keys(en).sort());
    for (const key of Object.keys(en)) assert.ok(en[key] && fr[key], key);
  });

  test(`${view}: both have the same blanks`, () => {
    for (const key of Object.keys(en)) assert.equal(blanks(fr[key]), blanks(en[key]), key);
  });
}
