import { describe, expect, it } from 'vitest';
import { parseSort, toggleSort } from './sorting';

describe('a click on a column', () => {
  it('goes from ascending to descending to unsorted', () => {
    expect(toggleSort('', 'code', false)).toBe('code_asc');
    expect(toggleSort('code_asc', 'code', false)).toBe('code_desc');
    expect(toggleSort('code_desc', 'code', false)).toBe('');
  });

  it('with Shift keeps the other fields, at most five', () => {
    expect(toggleSort('created_desc', 'code', true)).toBe('created_desc,code_asc');
    expect(toggleSort('created_desc,code_asc', 'created', true)).toBe('code_asc');
    expect(parseSort(toggleSort('a_asc,b_asc,c_asc,d_asc,e_asc', 'f', true))).toHaveLength(5);
  });

  it('reads fields with underscores, and nothing out of nonsense', () => {
    expect(parseSort('usage_count_desc,nonsense')).toEqual([{ field: 'usage_count', direction: 'desc' }]);
  });
});
