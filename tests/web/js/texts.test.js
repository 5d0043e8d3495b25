// @ts-check
// Every text exists in both languages, with the same places for numbers and words.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";

const FOLDER = new URL("../../../src/carrousel/web/static/texts/", import.meta.url);
const places = (text) => [...new Set(text.match(/\{\d\}/g) ?? [])].sort();

/** Exported as one object, or as two names. */
async function texts(file) {
  const module = await import(new URL(file, FOLDER).href);
  return module.default ?? module;
}

for (const file of readdirSync(FOLDER)) {
  test(`${file} says everything in both languages`, async () => {
    const { en, fr } = await texts(file);
    assert.deepEqual(Object.keys(fr).sort(), Object.keys(en).sort());
    for (const key of Object.keys(en)) assert.deepEqual(places(fr[key]), places(en[key]), key);
  });

  test(`${file} writes French as it is written`, async () => {
    const { fr } = await texts(file);
    for (const [key, text] of Object.entries(fr)) {
      assert.ok(
        !/[a-zà-ÿ]'[a-zà-ÿ]/i.test(text) || key === "page.opening" || key === "page.beginnings",
        `${key}: ’, not '`,
      );
      assert.ok(!/["“”]/.test(text), `${key}: guillemets`);
    }
  });
}
