import { nanoid } from '@reduxjs/toolkit';
import { z } from '../../shared/lib/zod';
import type { CouponWantedShape } from '../../shared/api/client.generated';
import type { MessageKey } from '../../shared/i18n/i18n';
import type { Coupon } from './couponCells';
import { applicableTo, discountTypes } from './couponQuery';
import { endDayOf, startDayOf, todayIn } from './days';

/** A number as typed: empty means none. */
const amount = z
  .string()
  .trim()
  .refine((text) => text === '' || Number.isFinite(Number(text)), 'rule.number');
const list = z.string();
const lastOrder = 1_000_000;
const longestOffer = 200;

/** Messages are keys of our texts; the server's own messages come as they are. */
const rule = (key: MessageKey) => key;

export const couponSchema = z
  .object({
    code: z.string().trim().min(3, rule('rule.code.short')).max(20, rule('rule.code.long')).regex(/^[A-Z0-9_-]+$/, rule('rule.code.characters')),
    internal_name: z.string().trim().min(3, rule('rule.internal_name.short')).max(100, rule('rule.internal_name.long')),
    description: z.object({ en: z.string().trim().min(1, rule('rule.required')), de: z.string() }),
    discount_type: z.enum(discountTypes),
    discount_value: amount,
    currency: z.string().trim().regex(/^[A-Z]{3}$/, rule('rule.currency')),
    max_discount_amount: amount,
    minimum_order_value: amount,
    maximum_order_value: amount,
    max_uses_total: amount,
    max_uses_per_user: amount,
    valid_from: z.string().min(1, rule('rule.required')),
    valid_until: z.string(),
    time_zone: z.string().trim().min(1, rule('rule.required')),
    applicable_to: z.enum(applicableTo),
    consultant_restrictions: z.array(z.number()),
    service_type_restrictions: z.array(z.string()),
    eligible_services: z.array(z.string()),
    distribution: z.enum(['public', 'private', 'code']),
    code_kind: z.enum(['shared', 'unique']),
    channels: list,
    products: list,
    stacking: z.enum(['stackable', 'exclusive']),
    stacking_groups: list,
    apply_order: amount,
    merchant_id: z.string(),
    external_id: z.string().trim().max(longestOffer, rule('rule.external_id')),
    campaign_id: z.string(),
    campaign_role: z.string(),
    campaign_source: z.string(),
    utm_source: z.string(),
    utm_medium: z.string(),
    utm_campaign: z.string(),
    notes: z.string(),
    is_active: z.boolean(),
    /** The start it had; a start that is not changed may lie in the past. */
    original_from: z.string(),
  })
  .superRefine((values, context) => {
    const fail = (path: keyof typeof values, key: MessageKey) => context.addIssue({ code: 'custom', path: [path], message: key });
    const value = numberOf(values.discount_value);
    if (values.discount_type !== 'free_session') {
      if (value === null || value <= 0) fail('discount_value', 'rule.discount_value.positive');
      else if (values.discount_type === 'percentage' && value > 100) fail('discount_value', 'rule.discount_value.percent');
      else if (values.discount_type === 'percentage' && value < 1) fail('discount_value', 'rule.discount_value.percentLow');
    }

    const total = numberOf(values.max_uses_total);
    if (total !== null && total <= 0) fail('max_uses_total', 'rule.max_uses_total');
    const perUser = numberOf(values.max_uses_per_user);
    if (perUser === null || perUser < 1) fail('max_uses_per_user', 'rule.max_uses_per_user.low');
    else if (perUser > 10) fail('max_uses_per_user', 'rule.max_uses_per_user.high');
    if ((numberOf(values.minimum_order_value) ?? 0) < 0) fail('minimum_order_value', 'rule.minimum_order_value');
    if (values.valid_from && values.valid_from !== values.original_from && values.valid_from < todayIn(values.time_zone))
      fail('valid_from', 'rule.valid_from');
    if (values.valid_until && values.valid_from && values.valid_until < values.valid_from) fail('valid_until', 'rule.valid_until');
    const order = numberOf(values.apply_order);
    if (order !== null && (!Number.isInteger(order) || order < 1 || order > lastOrder)) fail('apply_order', 'rule.apply_order');
    if (values.applicable_to === 'specific_consultants' && values.consultant_restrictions.length === 0)
      fail('consultant_restrictions', 'rule.consultants');
  });

export type CouponValues = z.infer<typeof couponSchema>;

export function numberOf(text: string): number | null {
  return text.trim() === '' || !Number.isFinite(Number(text)) ? null : Number(text);
}

const textOf = (value: number | null) => (value === null ? '' : String(value));
const listOf = (text: string) => {
  const items = text.split(/[,\n]/).map((item) => item.trim()).filter(Boolean);
  return items.length ? items : null;
};
const orNull = (text: string) => text.trim() || null;

export function emptyCoupon(): CouponValues {
  return {
    code: '', internal_name: '', description: { en: '', de: '' }, discount_type: 'percentage', discount_value: '10', currency: 'USD',
    max_discount_amount: '', minimum_order_value: '0', maximum_order_value: '', max_uses_total: '', max_uses_per_user: '1',
    valid_from: todayIn('UTC'), valid_until: '', time_zone: 'UTC', applicable_to: 'all', consultant_restrictions: [],
    service_type_restrictions: [], eligible_services: [], distribution: 'code', code_kind: 'shared', channels: '', products: '',
    stacking: 'stackable', stacking_groups: '', apply_order: '', merchant_id: '', external_id: '', campaign_id: '', campaign_role: '', campaign_source: '', utm_source: '', utm_medium: '', utm_campaign: '', notes: '',
    is_active: true, original_from: '',
  };
}

/** A stored coupon as the form shows it: days in the coupon's own zone, the end as its last day. */
export function valuesOf(coupon: Coupon): CouponValues {
  const from = startDayOf(coupon.valid_from, coupon.time_zone);
  return {
    code: coupon.code,
    internal_name: coupon.internal_name,
    description: { en: coupon.description.en ?? '', de: coupon.description.de ?? '' },
    discount_type: coupon.discount_type as CouponValues['discount_type'],
    discount_value: textOf(coupon.discount_value),
    currency: coupon.currency,
    max_discount_amount: textOf(coupon.max_discount_amount),
    minimum_order_value: textOf(coupon.minimum_order_value),
    maximum_order_value: textOf(coupon.maximum_order_value),
    max_uses_total: textOf(coupon.max_uses_total),
    max_uses_per_user: textOf(coupon.max_uses_per_user),
    valid_from: from,
    valid_until: coupon.valid_until ? endDayOf(coupon.valid_until, coupon.time_zone) : '',
    time_zone: coupon.time_zone,
    applicable_to: coupon.applicable_to as CouponValues['applicable_to'],
    consultant_restrictions: coupon.consultant_restrictions ?? [],
    service_type_restrictions: coupon.service_type_restrictions ?? [],
    eligible_services: coupon.eligible_services ?? [],
    distribution: coupon.distribution as CouponValues['distribution'],
    code_kind: coupon.code_kind as CouponValues['code_kind'],
    channels: (coupon.channels ?? []).join(', '),
    products: (coupon.products ?? []).join(', '),
    stacking: coupon.stacking as CouponValues['stacking'],
    stacking_groups: (coupon.stacking_groups ?? []).join(', '),
    apply_order: textOf(coupon.apply_order),
    merchant_id: coupon.merchant_id ?? '',
    external_id: coupon.external_id ?? '',
    campaign_id: coupon.campaign_id ?? '',
    campaign_role: coupon.campaign_role ?? '',
    campaign_source: coupon.campaign_source ?? '',
    utm_source: coupon.utm_source ?? '',
    utm_medium: coupon.utm_medium ?? '',
    utm_campaign: coupon.utm_campaign ?? '',
    notes: coupon.notes ?? '',
    is_active: coupon.is_active,
    original_from: from,
  };
}

/** A copy to begin from: a code and a start of its own, not yet on. */
export function copyOf(coupon: Coupon): CouponValues {
  return { ...valuesOf(coupon), code: '', external_id: '', is_active: false, valid_from: todayIn(coupon.time_zone), valid_until: '', original_from: '' };
}

/**
 * What the API is asked to store.
 * @param stored the coupon that is changed: days that were not touched keep their exact instants, and locales the form
 * does not show stay.
 */
export function wantedOf(values: CouponValues, stored?: Coupon): CouponWantedShape {
  const before = stored && valuesOf(stored);
  const description: Record<string, string> = { ...stored?.description, en: values.description.en.trim() };
  if (values.description.de.trim()) description.de = values.description.de.trim();
  else delete description.de;
  const isPercent = values.discount_type === 'percentage';
  const isFree = values.discount_type === 'free_session';
  return {
    code: values.code.trim(),
    internal_name: values.internal_name.trim(),
    description,
    discount_type: values.discount_type,
    discount_value: isFree ? 100 : numberOf(values.discount_value),
    currency: values.currency.trim(),
    max_discount_amount: isPercent ? numberOf(values.max_discount_amount) : null,
    minimum_order_value: numberOf(values.minimum_order_value),
    maximum_order_value: numberOf(values.maximum_order_value),
    max_uses_total: numberOf(values.max_uses_total),
    max_uses_per_user: numberOf(values.max_uses_per_user),
    valid_from: stored && before?.valid_from === values.valid_from ? stored.valid_from : values.valid_from,
    valid_until: stored && before?.valid_until === values.valid_until ? stored.valid_until : orNull(values.valid_until),
    time_zone: values.time_zone.trim(),
    applicable_to: values.applicable_to,
    consultant_restrictions: values.applicable_to === 'specific_consultants' ? values.consultant_restrictions : null,
    service_type_restrictions: values.service_type_restrictions.length ? values.service_type_restrictions : null,
    eligible_services: values.eligible_services.length ? values.eligible_services : null,
    distribution: values.distribution,
    code_kind: values.code_kind,
    channels: listOf(values.channels),
    products: listOf(values.products),
    stacking: values.stacking,
    // One that combines with none has no groups.
    stacking_groups: values.stacking === 'exclusive' ? null : listOf(values.stacking_groups),
    apply_order: numberOf(values.apply_order),
    campaign_id: orNull(values.campaign_id),
    campaign_role: values.campaign_id.trim() ? orNull(values.campaign_role) : null,
    campaign_source: orNull(values.campaign_source),
    utm_source: orNull(values.utm_source),
    utm_medium: orNull(values.utm_medium),
    utm_campaign: orNull(values.utm_campaign),
    notes: orNull(values.notes),
    is_active: values.is_active,
    ...(values.merchant_id ? { merchant_id: values.merchant_id } : {}),
    external_id: orNull(values.external_id),
  };
}

/** One intent, one key: a repeat after a lost answer finds the first one's effect (convention 17). */
export const newIdempotencyKey = () => `web-${nanoid()}`;
