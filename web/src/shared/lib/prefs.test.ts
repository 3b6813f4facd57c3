import { expect, test } from 'vitest';
import { prefsOwned, prefsReceived, prefsSlice, searched, sortChosen } from './prefs';

const { reducer } = prefsSlice;
const begun = () => reducer(undefined, { type: 'begun' });

test('what was liked before anybody signed in becomes theirs, what another left does not', () => {
  const liked = reducer(begun(), sortChosen({ list: 'coupons', sort: 'code_asc' }));
  const hers = reducer(liked, prefsOwned('person:1'));
  expect(hers.sorts).toEqual({ coupons: 'code_asc' });
  expect(reducer(hers, prefsOwned('person:1')).sorts).toEqual({ coupons: 'code_asc' });
  const his = reducer(reducer(hers, searched('spring')), prefsOwned('person:2'));
  expect([his.sorts, his.recentSearches]).toEqual([{}, []]);
});

test('what the account has counts here', () => {
  const there = reducer(begun(), prefsReceived({ sorts: { coupons: 'revenue_desc' }, recentSearches: ['autumn'] }));
  expect([there.sorts, there.recentSearches]).toEqual([{ coupons: 'revenue_desc' }, ['autumn']]);
  expect(there.toasts).toContain('expired');
});

test('long searches are kept by their beginning', () => {
  expect(reducer(begun(), searched('x'.repeat(300))).recentSearches[0]).toHaveLength(200);
});
