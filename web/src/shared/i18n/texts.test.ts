import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { enRest } from './en.rest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The modules that are there with the first page: what leads from its entries without a later import. */
function modulesOf(entries: string[]): string[] {
  const found = new Set<string>();
  const walk = (file: string) => {
    if (found.has(file) || /generated|i18n\/(en|de)/.test(file)) return;
    found.add(file);
    for (const [statement, from = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^;]*? from '(\.[^']+)'/gm)) {
      const next = ['.ts', '.tsx'].map((end) => resolve(dirname(file), from + end)).find(existsSync);
      if (next && !statement.startsWith('import type')) walk(next);
    }
  };
  entries.forEach((entry) => walk(resolve(root, entry)));
  return [...found];
}

test('the first page and the command palette show no text that comes later', () => {
  const texts = modulesOf(['app/main.tsx', 'features/coupons/CouponListPage.tsx', 'features/palette/PaletteBox.tsx']).map((file) => readFileSync(file, 'utf8'));
  const of = (pattern: RegExp) => new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name)));
  const whole = of(/['"`]([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)+)['"`]/g);
  const begun = [...of(/`([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*\.)\$\{/g), ...[...of(/word\('([a-zA-Z]+)'/g)].map((family) => family + '.')];
  const late = Object.keys(enRest).filter((key) => whole.has(key.replace(/\.(one|other)$/, '')) || whole.has(key) || begun.some((start) => key.startsWith(start)));
  expect(whole.size).toBeGreaterThan(100);
  expect(late).toEqual([]);
});
