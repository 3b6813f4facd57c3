import { expect, test } from 'vitest';
import { lastDayOf } from './lastDay';

test('the rows of a point end with its last day, or with the period', () => {
  expect(lastDayOf('2028-02-01', 'month', '2028-12-31')).toBe('2028-02-29');
  expect(lastDayOf('2027-12-27', 'week', '2028-12-31')).toBe('2028-01-02');
  expect(lastDayOf('2027-12-27', 'week', '2027-12-29')).toBe('2027-12-29');
  expect(lastDayOf('2027-12-27', 'day', '2027-12-29')).toBe('2027-12-27');
});
