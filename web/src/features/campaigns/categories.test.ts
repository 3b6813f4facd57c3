import { describe, expect, it } from 'vitest';
import { differing, entered, linesOf } from './categories';

const shoes = { name: 'shoes', parent: 'clothing' };
const tree = [{ name: 'boots', parent: 'shoes' }, shoes];

describe('the tree of categories as text', () => {
  it('reads back what it writes', () => {
    const odd = [...tree, { name: 'a > b', parent: 'c > d' }];
    expect(linesOf(odd)).toBe('boots > shoes\nshoes > clothing\na > b\tc > d');
    expect(entered(linesOf(odd)).categories).toEqual(odd);
  });

  it('skips empty lines, and names those that do not say what lies in what', () => {
    expect(entered('\n boots >  shoes \n\nsocks\n > shoes\n')).toEqual({ categories: [{ name: 'boots', parent: 'shoes' }], lines: [2], unclear: [4, 5] });
  });

  it('shows what lies elsewhere', () => {
    const theirs = [{ name: 'boots', parent: 'leather' }, shoes, { name: 'socks', parent: 'clothing' }];
    expect(differing(tree, theirs)).toEqual([
      { label: 'boots', mine: 'shoes', theirs: 'leather' },
      { label: 'socks', mine: '–', theirs: 'clothing' },
    ]);
    expect(differing(tree, [...tree])).toEqual([]);
  });
});
