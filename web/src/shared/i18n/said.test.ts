import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { de } from './de';
import { en } from './en';
import { enRest } from './en.rest';

const client = readFileSync(fileURLToPath(new URL('../api/client.generated.ts', import.meta.url)), 'utf8');

/** The closed sets of words that the API takes or gives, but for the ways to sort. */
function wordsOfApi(): string[] {
  const sets = [...client.matchAll(/(\w+)\??:\s*\|?\s*("[^"]+"(?:\s*\|\s*"[^"]+")+)/g)];
  const words = sets.flatMap(([, member = '', set = '']) => (member === 'sort' ? [] : [...set.matchAll(/"([^"]+)"/g)].map(([, word = '']) => word)));
  return [...new Set(words)].sort();
}

test('every closed word of the API is a text in both languages', () => {
  const words = wordsOfApi();
  expect(words.length).toBeGreaterThan(60);
  expect(words).toContain('partner_rest');
  for (const texts of [{ ...en, ...enRest }, de] as Record<string, string>[]) {
    expect(words.filter((word) => !texts[`said.${word}`])).toEqual([]);
  }
});
