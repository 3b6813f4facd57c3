import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount, formatShare } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { Actor } from '../../shared/ui/Actor';
import { Facts } from '../../shared/ui/Facts';
import { Amount, Instant } from '../../shared/ui/Values';
import type { Coupon } from './couponCells';
import { valuesOf } from './couponForm';
import { ruleSentence } from './ruleSentence';

/** The figures and the definition of a coupon. */
export function CouponOverview({ coupon }: { coupon: Coupon }) {
  const translation = useTranslation();
  const { t, word, locale } = translation;
  const canDrill = useCan()('redemptions.read');
  const of = { coupon_id: coupon.id };
  const attempts = coupon.usage_count + coupon.refused_count;
  const facts: [string, ReactNode][] = [
    [t('field.description.en'), coupon.description.en],
    [t('field.valid_from'), <Instant key="from" at={coupon.valid_from} />],
    [t('field.valid_until.instant'), coupon.valid_until ? <Instant key="until" at={coupon.valid_until} /> : t('time.unlimited')],
    [t('field.time_zone'), coupon.time_zone],
    [t('field.applicable_to'), word('applicableTo', coupon.applicable_to)],
    [t('field.consultant_restrictions'), coupon.consultant_restrictions?.join(', ')],
    [t('field.service_type_restrictions'), coupon.service_type_restrictions?.join(', ')],
    [t('field.eligible_services'), coupon.eligible_services?.join(', ')],
    [t('field.channels'), coupon.channels?.join(', ')],
    [t('field.products'), coupon.products?.join(', ')],
    [t('field.stacking'), coupon.stacking === 'exclusive' || coupon.stacking_groups || coupon.apply_order ? word('stacking', coupon.stacking) : null],
    [t('field.stacking_groups'), coupon.stacking_groups?.join(', ')],
    [t('field.apply_order'), coupon.apply_order],
    [
      t('field.campaign_id'),
      coupon.campaign_id && (
        <>
          <Link to={`/campaigns/${coupon.campaign_id}`}>{coupon.campaign_id}</Link>
          {coupon.campaign_role && ` (${word('campaignRole', coupon.campaign_role)})`}
        </>
      ),
    ],
    [t('field.merchant_id'), coupon.merchant_id && <Link key="merchant" to={`/coupons?merchant=${coupon.merchant_id}`}>{coupon.merchant_id}</Link>],
    [t('filter.offer'), coupon.external_id && <Link key="offer" to={`/coupons?offer=${encodeURIComponent(coupon.external_id)}`}>{coupon.external_id}</Link>],
    [t('field.campaign_source'), coupon.campaign_source],
    [t('field.utm'), [coupon.utm_source, coupon.utm_medium, coupon.utm_campaign].filter(Boolean).join(' / ')],
    [t('field.distribution'), `${word('distribution', coupon.distribution)}, ${word('codeKind', coupon.code_kind)}`],
    [t('field.notes'), coupon.notes],
    [t('field.lastUsed'), coupon.lastUsed ? <Instant key="used" at={coupon.lastUsed} /> : t('time.never')],
    [t('field.created_at'), <Instant key="created" at={coupon.created_at} />],
    [t('field.created_by'), <Actor key="by" id={coupon.created_by} />],
    [t('field.version'), coupon.version],
  ];
  return (
    <>
      <p className="rule-sentence">{ruleSentence(valuesOf(coupon), translation)}</p>
      <div className="figures figures--tight">
        <Figure label={t('column.usage')} to={canDrill && rows.redemptions({ ...of, status: 'used' })} value={`${formatCount(coupon.usage_count, locale)} / ${coupon.max_uses_total ? formatCount(coupon.max_uses_total, locale) : '∞'}`} />
        {coupon.revenue_generated !== undefined && (
          <Figure label={t('column.revenue')} to={canDrill && rows.money(of, coupon.currency)} value={<Amount value={coupon.revenue_generated} currency={coupon.currency} />} />
        )}
        {coupon.total_discounts_given !== undefined && (
          <Figure label={t('figure.discounts')} to={canDrill && rows.money(of, coupon.currency)} value={<Amount value={coupon.total_discounts_given} currency={coupon.currency} />} />
        )}
        <Figure label={t('column.conversion')} to={canDrill && rows.tries(of)} value={attempts ? formatShare(coupon.conversion_rate, locale) : '–'} />
      </div>
      <Facts facts={facts} />
    </>
  );
}

function Figure({ label, value, to }: { label: string; value: ReactNode; to: string | false }) {
  const text = (
    <>
      <span className="figure__label">{label}</span>
      <span className="figure__value figure__value--small">{value}</span>
    </>
  );
  return to ? (
    <Link className="figure" to={to}>
      {text}
    </Link>
  ) : (
    <div className="figure">{text}</div>
  );
}
