import { expect, test } from 'vitest';
import { csvOf } from './csv';

test('cells are quoted where they must be and never begin a formula', () => {
  expect(csvOf([['a', 'b,c', 'say "x"'], ['=1+1', '-2', 'two\nlines']])).toBe('a,"b,c","say ""x"""\r\n\'=1+1,\'-2,"two\nlines"\r\n');
});
