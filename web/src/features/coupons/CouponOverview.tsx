import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount, formatShare } from '../../shared/lib/format';
import { Amount, Instant } from '../../shared/ui/Values';
import type { Coupon } from './couponCells';
import { valuesOf } from './couponForm';
import { ruleSentence } from './ruleSentence';

/** The figures and the definition of a coupon. */
export function CouponOverview({ coupon }: { coupon: Coupon }) {
  const translation = useTranslation();
  const { t, word, locale } = translation;
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
    [
      t('field.campaign_id'),
      coupon.campaign_id && (
        <>
          <Link to={`/campaigns/${coupon.campaign_id}`}>{coupon.campaign_id}</Link>
          {coupon.campaign_role && ` (${word('campaignRole', coupon.campaign_role)})`}
        </>
      ),
    ],
    [t('field.campaign_source'), coupon.campaign_source],
    [t('field.utm'), [coupon.utm_source, coupon.utm_medium, coupon.utm_campaign].filter(Boolean).join(' / ')],
    [t('field.distribution'), `${word('distribution', coupon.distribution)}, ${word('codeKind', coupon.code_kind)}`],
    [t('field.notes'), coupon.notes],
    [t('field.lastUsed'), coupon.lastUsed ? <Instant key="used" at={coupon.lastUsed} /> : t('time.never')],
    [t('field.created_at'), <Instant key="created" at={coupon.created_at} />],
    [t('field.created_by'), <code key="by">{coupon.created_by}</code>],
    [t('field.version'), coupon.version],
  ];
  return (
    <>
      <p className="rule-sentence">{ruleSentence(valuesOf(coupon), translation)}</p>
      <div className="figures figures--tight">
        <Figure label={t('column.usage')} value={`${formatCount(coupon.usage_count, locale)} / ${coupon.max_uses_total ? formatCount(coupon.max_uses_total, locale) : '∞'}`} />
        <Figure label={t('column.revenue')} value={<Amount value={coupon.revenue_generated} currency={coupon.currency} />} />
        <Figure label={t('figure.discounts')} value={<Amount value={coupon.total_discounts_given} currency={coupon.currency} />} />
        <Figure label={t('column.conversion')} value={attempts ? formatShare(coupon.conversion_rate, locale) : '–'} />
      </div>
      <dl className="facts">
        {facts
          .filter(([, value]) => value !== null && value !== undefined && value !== '')
          .map(([label, value]) => (
            <div key={label} className="facts__pair">
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}

function Figure({ label, value }: { label: string; value: ReactNode }) {
  return (
    <div className="figure">
      <span className="figure__label">{label}</span>
      <span className="figure__value figure__value--small">{value}</span>
    </div>
  );
}
