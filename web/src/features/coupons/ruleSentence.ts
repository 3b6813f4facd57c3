import type { Translation } from '../../shared/i18n/i18n';
import { formatAmount, formatDay, formatShare } from '../../shared/lib/format';
import type { CouponValues } from './couponForm';
import { numberOf } from './couponForm';

/** A coupon's rule in one sentence: what it gives, at most, on what, to whom, how often, when. */
export function ruleSentence(values: CouponValues, { t, word, locale }: Translation): string {
  const money = (text: string) => formatAmount(numberOf(text) ?? 0, values.currency || 'USD', locale);
  const value = numberOf(values.discount_value) ?? 0;
  const parts: string[] = [];
  if (values.discount_type === 'percentage') parts.push(t('sentence.percent', { value: formatShare(value / 100, locale) }));
  else if (values.discount_type === 'fixed_amount') parts.push(t('sentence.fixed', { value: money(values.discount_value) }));
  else parts.push(t('sentence.free'));
  if (values.discount_type === 'percentage' && numberOf(values.max_discount_amount)) parts.push(t('sentence.cap', { value: money(values.max_discount_amount) }));
  if (numberOf(values.minimum_order_value)) parts.push(t('sentence.minimum', { value: money(values.minimum_order_value) }));
  if (values.applicable_to !== 'all') parts.push(t('sentence.on', { what: word('applicableTo', values.applicable_to) }));
  const uses = numberOf(values.max_uses_per_user) ?? 1;
  parts.push(t('sentence.perUser', { count: uses }));
  const total = numberOf(values.max_uses_total);
  if (total) parts.push(t('sentence.total', { count: total }));
  if (values.valid_from) parts.push(t('sentence.from', { day: formatDay(values.valid_from, locale) }));
  parts.push(values.valid_until ? t('sentence.until', { day: formatDay(values.valid_until, locale) }) : t('sentence.noEnd'));
  return parts.join(', ') + '.';
}
