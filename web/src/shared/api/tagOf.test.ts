import { expect, it } from 'vitest';
import { tagOf } from './tagOf';

it('names version and making as the service does', () => {
  expect(tagOf({ version: 3, created_at: '1970-01-01T00:00:00Z' })).toBe('"3-89f7ff5f7b58000"');
  expect(tagOf({ version: 1, created_at: '1970-01-01T00:00:01.000001Z' })).toBe('"1-89f7ff5f84e168a"');
});
