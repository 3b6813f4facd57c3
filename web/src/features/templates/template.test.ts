import { expect, test } from 'vitest';
import { daysOf, valuesFrom } from './template';

test('a template fills the form, which begins today and ends after its days', () => {
  const values = valuesFrom({ discount_type: 'fixed_amount', discount_value: 7.5, currency: 'EUR', max_uses_total: 100 }, 30);
  expect(values).toMatchObject({ code: '', discount_type: 'fixed_amount', discount_value: '7.5', currency: 'EUR', max_uses_total: '100' });
  expect((Date.parse(values.valid_until) - Date.parse(values.valid_from)) / 86_400_000).toBe(29);
  expect(valuesFrom({}, null).valid_until).toBe('');
});

test('the days of a coupon are those of its window', () => {
  expect(daysOf({ valid_from: '2099-03-01T00:00:00Z', valid_until: '2099-03-31T00:00:00Z' })).toBe(30);
  expect(daysOf({ valid_from: '2099-03-01T00:00:00Z', valid_until: null })).toBeNull();
});
