import { describe, expect, it } from 'vitest';
import type { Coupon } from './couponCells';
import { couponSchema, emptyCoupon, valuesOf, wantedOf, type CouponValues } from './couponForm';

const valid: CouponValues = { ...emptyCoupon(), code: 'SAVE10', internal_name: 'Ten off', description: { en: 'Ten off', de: '' } };
const messages = (changes: Partial<CouponValues>) => {
  const result = couponSchema.safeParse({ ...valid, ...changes });
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
};

const stored = {
  id: 7, code: 'SAVE10', code_kind: 'shared', distribution: 'code', internal_name: 'Ten off', description: { en: 'Ten off', fr: 'Dix' },
  discount_type: 'percentage', discount_value: 10, currency: 'EUR', max_discount_amount: null, minimum_order_value: 0, maximum_order_value: null,
  max_uses_total: null, max_uses_per_user: 1, valid_from: '2026-11-01T08:50:43.005Z', valid_until: '2027-01-20T23:00:00Z', time_zone: 'Europe/Vienna',
  applicable_to: 'all', consultant_restrictions: null, service_type_restrictions: null, eligible_services: null, channels: null, products: null,
  stacking: 'stackable', stacking_groups: ['spring', 'loyal'], apply_order: 7,
  campaign_id: null, campaign_role: null, merchant_id: null, campaign_source: null, utm_source: null, utm_medium: null, utm_campaign: null,
  notes: null, is_active: true, external_id: 'x-1', version: 3,
} as unknown as Coupon;

describe('the form of a coupon', () => {
  it('accepts what is right', () => expect(messages({})).toEqual([]));

  it.each([
    [{ code: 'AB' }, 'code: rule.code.short'],
    [{ code: 'A'.repeat(21) }, 'code: rule.code.long'],
    [{ code: 'save10' }, 'code: rule.code.characters'],
    [{ internal_name: 'ab' }, 'internal_name: rule.internal_name.short'],
    [{ discount_value: '0' }, 'discount_value: rule.discount_value.positive'],
    [{ discount_value: '101' }, 'discount_value: rule.discount_value.percent'],
    [{ discount_value: '0.5' }, 'discount_value: rule.discount_value.percentLow'],
    [{ max_uses_total: '0' }, 'max_uses_total: rule.max_uses_total'],
    [{ max_uses_per_user: '0' }, 'max_uses_per_user: rule.max_uses_per_user.low'],
    [{ max_uses_per_user: '11' }, 'max_uses_per_user: rule.max_uses_per_user.high'],
    [{ minimum_order_value: '-1' }, 'minimum_order_value: rule.minimum_order_value'],
    [{ valid_from: '2020-01-01' }, 'valid_from: rule.valid_from'],
    [{ apply_order: '0' }, 'apply_order: rule.apply_order'],
    [{ apply_order: '1.5' }, 'apply_order: rule.apply_order'],
    [{ valid_from: '2100-01-02', valid_until: '2100-01-01' }, 'valid_until: rule.valid_until'],
  ])('says what is wrong with %j', (changes, message) => expect(messages(changes as Partial<CouponValues>)).toContain(message));

  it('lets a start lie in the past that was not changed (R-18)', () => {
    expect(messages({ valid_from: '2020-01-01', original_from: '2020-01-01' })).toEqual([]);
  });

  it('shows days in the zone of the coupon, and its end as its last day', () => {
    expect(valuesOf(stored)).toMatchObject({ valid_from: '2026-11-01', valid_until: '2027-01-20' });
  });

  it('keeps the exact instants of days that were not touched, and locales it does not show', () => {
    const wanted = wantedOf({ ...valuesOf(stored), internal_name: 'Other' }, stored);
    expect(wanted).toMatchObject({
      valid_from: '2026-11-01T08:50:43.005Z',
      valid_until: '2027-01-20T23:00:00Z',
      internal_name: 'Other',
      external_id: 'x-1',
      description: { en: 'Ten off', fr: 'Dix' },
    });
  });

  it('keeps beside which others it is used, and no groups of one that is used alone', () => {
    const values = valuesOf(stored);
    expect(values).toMatchObject({ stacking: 'stackable', stacking_groups: 'spring, loyal', apply_order: '7' });
    expect(wantedOf(values, stored)).toMatchObject({ stacking: 'stackable', stacking_groups: ['spring', 'loyal'], apply_order: 7 });
    expect(wantedOf({ ...values, stacking: 'exclusive' }, stored)).toMatchObject({ stacking: 'exclusive', stacking_groups: null });
  });

  it('writes a free session as 100, without a cap', () => {
    expect(wantedOf({ ...valid, discount_type: 'free_session', max_discount_amount: '5' })).toMatchObject({ discount_value: 100, max_discount_amount: null });
  });
});
