import { lazy, Suspense, type ReactNode } from 'react';
import { Link } from 'react-router';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount, formatShare } from '../../shared/lib/format';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';

/** With the chart library, which only this tab needs. */
const Chart = lazy(() => import('../../shared/ui/Charts').then((module) => ({ default: module.Chart })));

/** The figures of one coupon (A.8) and its redemptions along time. What nobody knows is said to be unknown. */
export function CouponAnalytics({ coupon }: { coupon: Coupon }) {
  const { t, locale, word } = useTranslation();
  const { data, error, refetch } = couponsApi.endpoints.getCouponAnalytics.useQuery({ id: coupon.id });
  const timeline = couponsApi.endpoints.getTimeline.useQuery({ couponId: String(coupon.id) });
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <Skeletons lines={8} />;
  const { usage_statistics: usage, financial_impact: money, conversion_analysis: later, fraud_indicators: fraud } = data;
  const amount = (value: number) => formatAmount(value, money.currency, locale);
  const count = (value: number | null) => (value === null ? t('chart.unknown') : formatCount(value, locale));
  const share = (value: number | null) => (value === null ? t('chart.unknown') : formatShare(value, locale));
  return (
    <>
      <Suspense fallback={<Skeletons lines={5} />}>
        <Chart
          kind="area"
          title={t('chart.redemptions')}
          rows={(timeline.data?.series[0]?.points ?? []).map((point) => ({ x: point.period, redemptions: point.redemptions, refusals: point.refusals }))}
          lines={[
            { key: 'redemptions', name: t('figure.redemptions') },
            { key: 'refusals', name: t('figure.refusals') },
          ]}
          label={(iso) => iso.slice(5).split('-').reverse().join('.')}
        />
      </Suspense>
      <Group title={t('analytics.usage')}>
        <Fact name={t('analytics.attempts')} value={count(usage.total_attempts)} />
        <Fact name={t('analytics.successful')} value={count(usage.successful_redemptions)} />
        <Fact name={t('analytics.failed')} value={count(usage.failed_attempts)} />
        <Fact name={t('analytics.successRate')} value={share(usage.success_rate)} />
        <Fact name={t('analytics.people')} value={count(usage.unique_users)} />
        <Fact name={t('analytics.repeat')} value={count(usage.repeat_users)} />
      </Group>
      <Group title={t('analytics.money')}>
        <Fact name={t('figure.discounts')} value={amount(money.total_discounts_given)} />
        <Fact name={t('figure.revenue')} value={amount(money.revenue_generated)} />
        <Fact name={t('analytics.average')} value={amount(money.average_discount_per_use)} />
        <Fact name={t('analytics.roi')} value={share(money.roi_estimate)} />
      </Group>
      <Group title={t('analytics.later')}>
        <Fact name={t('analytics.bookings')} value={count(later.bookings_completed)} />
        <Fact name={t('analytics.attended')} value={count(later.sessions_attended)} />
        <Fact name={t('analytics.attendance')} value={share(later.attendance_rate)} />
        <Fact name={t('analytics.retention')} value={share(later.customer_retention_rate)} />
      </Group>
      {fraud.refusal_reasons.length > 0 && (
        <Group title={t('analytics.refused')}>
          {fraud.refusal_reasons.map(({ reason, count: often }) => (
            <Fact key={reason} name={word('refusal', reason)} value={formatCount(often, locale)} />
          ))}
        </Group>
      )}
      <p>
        <Link to={`/coupons/analytics?coupons=${coupon.id}`}>{t('analytics.compare')}</Link>
      </p>
    </>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="stack stack--tight">
      <h3>{title}</h3>
      <dl className="facts">{children}</dl>
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="facts__pair">
      <dt>{name}</dt>
      <dd className="num">{value}</dd>
    </div>
  );
}
