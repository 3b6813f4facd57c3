import { expect, test } from 'vitest';

/** Told a second time, the tags of a request replace the first ones, whichever page is loaded last. */
test('the tags of a request stand in one place', () => {
  const sources = import.meta.glob<string>('../../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });
  const told = Object.values(sources)
    .filter((text) => text.includes('.enhanceEndpoints('))
    .flatMap((text) => [...text.matchAll(/^ {4}(\w+): \{\s*(?:provides|invalidates)Tags:/gm)].map(([, name]) => name));
  expect(told.length).toBeGreaterThan(50);
  expect(told.filter((name, place) => told.indexOf(name) !== place)).toEqual([]);
});
