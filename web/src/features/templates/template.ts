import type { CouponValues } from '../coupons/couponForm';
import { valuesOf } from '../coupons/couponForm';
import type { Coupon } from '../coupons/couponCells';
import { todayIn } from '../coupons/days';

/** What a template keeps of a coupon: everything that is not one coupon's own. */
const kept = [
  'internal_name', 'description', 'discount_type', 'discount_value', 'currency', 'max_discount_amount', 'minimum_order_value',
  'maximum_order_value', 'max_uses_total', 'max_uses_per_user', 'time_zone', 'applicable_to', 'consultant_restrictions',
  'service_type_restrictions', 'eligible_services', 'distribution', 'code_kind', 'channels', 'products', 'stacking', 'stacking_groups', 'apply_order', 'campaign_id',
  'campaign_role', 'campaign_source', 'utm_source', 'utm_medium', 'utm_campaign', 'notes', 'is_active',
] as const satisfies readonly (keyof Coupon)[];

const dayMs = 86_400_000;

/** The fields of a coupon for a template; what is empty stays out. */
export const fieldsOf = (coupon: Coupon) =>
  Object.fromEntries(kept.map((name) => [name, coupon[name]] as const).filter(([, value]) => value !== null));

/** Days a coupon is valid; null for no end. */
export function daysOf(coupon: Pick<Coupon, 'valid_from' | 'valid_until'>): number | null {
  if (!coupon.valid_until) return null;
  return Math.max(1, Math.round((Date.parse(coupon.valid_until) - Date.parse(coupon.valid_from)) / dayMs));
}

/** The form as a template fills it: it begins today, and ends after the days of the template. */
export function valuesFrom(fields: Partial<Coupon>, validDays: number | null): CouponValues {
  const zone = fields.time_zone ?? 'UTC';
  const from = todayIn(zone);
  const last = validDays && new Date(Date.parse(from) + (validDays - 1) * dayMs).toISOString().slice(0, 10);
  const blank = {
    code: '', internal_name: '', description: {}, discount_type: 'percentage', discount_value: 10, currency: 'USD', max_discount_amount: null,
    minimum_order_value: 0, maximum_order_value: null, max_uses_total: null, max_uses_per_user: 1, valid_from: new Date().toISOString(),
    valid_until: null, time_zone: zone, applicable_to: 'all', consultant_restrictions: null, service_type_restrictions: null,
    eligible_services: null, distribution: 'code', code_kind: 'shared', channels: null, products: null, stacking: 'stackable',
    stacking_groups: null, apply_order: null, campaign_id: null, campaign_role: null,
    campaign_source: null, utm_source: null, utm_medium: null, utm_campaign: null, notes: null, is_active: true,
  };
  const values = valuesOf({ ...blank, ...fields } as unknown as Coupon);
  return { ...values, code: '', valid_from: from, valid_until: last || '', original_from: '' };
}
