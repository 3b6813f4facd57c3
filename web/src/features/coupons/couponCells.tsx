import type { CouponShape } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { currencySign, formatAmount, formatCount, formatShare } from '../../shared/lib/format';
import { Drill } from '../../shared/ui/Drill';

export type Coupon = CouponShape;

const symbols: Record<string, string> = { percentage: '%', fixed_amount: '$', free_session: '★' };

/** Free, % or a currency's sign: what the type column shows (UI-02). */
export function TypeCell({ coupon }: { coupon: Coupon }) {
  const { locale, word } = useTranslation();
  const name = word('discountType', coupon.discount_type);
  if (coupon.discount_type === 'free_session') return <span title={name}>{word('discountType', 'free')}</span>;
  const sign = coupon.discount_type === 'percentage' ? '%' : currencySign(coupon.currency, locale);
  return (
    <span title={name}>
      <span aria-hidden>{sign ?? symbols[coupon.discount_type]}</span>
      <span className="visually-hidden">{name}</span>
    </span>
  );
}

export function ValueCell({ coupon }: { coupon: Coupon }) {
  const { locale } = useTranslation();
  const text =
    coupon.discount_type === 'fixed_amount'
      ? formatAmount(coupon.discount_value ?? 0, coupon.currency, locale)
      : formatShare((coupon.discount_value ?? 100) / 100, locale);
  return <span className="num">{text}</span>;
}

/** 45 / ∞ or 23 / 50, with a bar where there is a limit (UI-10). */
export function UsageCell({ coupon, to }: { coupon: Coupon; to?: string | false }) {
  const { locale, t } = useTranslation();
  const limit = coupon.max_uses_total;
  const share = limit ? Math.min(1, coupon.usage_count / limit) : 0;
  const used = formatCount(coupon.usage_count, locale);
  return (
    <span className="cell--stack grow">
      <span className="num">
        <Drill to={to}>
          <span aria-hidden>
            {used} / {limit ? formatCount(limit, locale) : '∞'}
          </span>
          <span className="visually-hidden">{limit ? t('coupon.usedOf', { used, limit }) : t('coupon.usedUnlimited', { used })}</span>
        </Drill>
      </span>
      {limit !== null && limit > 0 && (
        <span className="meter" aria-hidden>
          <span className={`meter__fill${share >= 1 ? ' meter__fill--full' : ''}`} style={{ width: `${share * 100}%` }} />
        </span>
      )}
    </span>
  );
}

export function ConversionCell({ coupon, to }: { coupon: Coupon; to?: string | false }) {
  const { locale } = useTranslation();
  const attempts = coupon.usage_count + coupon.refused_count;
  return attempts === 0 ? (
    <span className="muted">–</span>
  ) : (
    <span className="num">
      <Drill to={to}>{formatShare(coupon.conversion_rate, locale)}</Drill>
    </span>
  );
}
