import { useSearchParams } from 'react-router';
import type { TimelineSeries } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { Chart, dayLabel, type Row } from '../../shared/ui/Charts';
import { ComparePicker } from './ComparePicker';
import { insightsApi } from './insightsApi';
import { daysOf, readPeriod } from './period';
import { PeriodBar } from './PeriodBar';

const sides = ['discount_type', 'applicable_to', 'channel'] as const;

/** The charts of MET-02 and the comparison and seasons of MET-04. What is compared is in the address. */
export function AnalyticsPage() {
  const { t, word } = useTranslation();
  const [params] = useSearchParams();
  const { period, interval } = readPeriod(params);
  const days = daysOf(period);
  const compared = params.get('coupons') ?? '';
  const all = insightsApi.endpoints.getTimeline.useQuery({ ...days, interval });
  const daily = insightsApi.endpoints.getTimeline.useQuery({ ...days, interval: 'day' });
  const chosen = insightsApi.endpoints.getTimeline.useQuery({ ...days, interval, couponId: compared }, { skip: compared === '' });
  const points = all.data?.series[0]?.points ?? [];
  const currency = all.data?.currency;
  const sum = (name: 'redemptions' | 'refusals' | 'rolled_back') => points.reduce((total, point) => total + point[name], 0);
  return (
    <div className="page">
      <header className="page__head">
        <h1>{t('coupons.title')}</h1>
        <PeriodBar withInterval />
      </header>
      <CouponTabs />
      {all.error ? (
        <ErrorState error={all.error} onRetry={all.refetch} />
      ) : !all.data ? (
        <Skeletons lines={10} />
      ) : (
        <>
          <div className="columns">
            <Chart
              kind="area"
              zoomable
              title={t('chart.redemptions')}
              rows={points.map((point) => ({ x: point.period, redemptions: point.redemptions, refusals: point.refusals }))}
              lines={[
                { key: 'redemptions', name: t('figure.redemptions') },
                { key: 'refusals', name: t('figure.refusals') },
              ]}
              label={dayLabel}
            />
            <Chart
              kind="bar"
              title={t('chart.revenue')}
              currency={currency}
              rows={points.map((point) => ({ x: point.period, revenue: point.revenue, discounts: point.discounts }))}
              lines={[
                { key: 'revenue', name: t('figure.revenue'), money: true },
                { key: 'discounts', name: t('figure.discounts'), money: true },
              ]}
              label={dayLabel}
            />
            <Chart
              kind="bar"
              horizontal
              title={t('chart.funnel')}
              rows={[
                { x: 'attempts', count: sum('redemptions') + sum('refusals') },
                { x: 'redeemed', count: sum('redemptions') },
                { x: 'kept', count: sum('redemptions') - sum('rolled_back') },
              ]}
              lines={[{ key: 'count', name: t('chart.count') }]}
              label={(step) => word('funnel', step)}
            />
            <Chart kind="bar" title={t('chart.weekdays')} rows={weekdays(daily.data?.series[0], t)} lines={[{ key: 'redemptions', name: t('figure.redemptions') }]} />
            {sides.map((by) => (
              <Shares key={by} by={by} days={days} />
            ))}
          </div>
          <section className="stack stack--tight" aria-label={t('chart.compare')}>
            <ComparePicker />
            {compared !== '' &&
              (chosen.error ? (
                <ErrorState error={chosen.error} onRetry={chosen.refetch} />
              ) : (
                <Chart
                  kind="line"
                  zoomable
                  title={t('chart.compare')}
                  rows={joined(chosen.data?.series ?? [])}
                  lines={(chosen.data?.series ?? []).map((series) => ({ key: `c${series.coupon_id}`, name: series.code ?? '' }))}
                  label={dayLabel}
                />
              ))}
          </section>
        </>
      )}
    </div>
  );
}

function Shares({ by, days }: { by: (typeof sides)[number]; days: { from: string; to: string } }) {
  const { t, word } = useTranslation();
  const { data } = insightsApi.endpoints.getBreakdown.useQuery({ ...days, by });
  const family = by === 'discount_type' ? 'discountType' : by === 'applicable_to' ? 'applicableTo' : 'channel';
  return (
    <Chart
      kind="bar"
      horizontal
      title={t(`chart.by.${by}`)}
      rows={(data?.rows ?? []).map((row) => ({ x: row.key, redemptions: row.redemptions }))}
      lines={[{ key: 'redemptions', name: t('figure.redemptions') }]}
      label={(key) => (key === '' ? t('chart.unknown') : word(family, key))}
    />
  );
}

/** Redemptions by day of the week, Monday first. */
function weekdays(series: TimelineSeries | undefined, t: ReturnType<typeof useTranslation>['t']): Row[] {
  const sums = [0, 0, 0, 0, 0, 0, 0];
  for (const point of series?.points ?? []) {
    const day = (new Date(`${point.period}T12:00:00Z`).getUTCDay() + 6) % 7;
    sums[day] = (sums[day] ?? 0) + point.redemptions;
  }

  const names = t('chart.weekdayNames').split(' ');
  return sums.map((redemptions, day) => ({ x: names[day] ?? '', redemptions }));
}

/** Lines of several coupons on the same axis. */
function joined(series: TimelineSeries[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { coupon_id, points } of series) {
    for (const point of points) {
      rows.set(point.period, { ...(rows.get(point.period) ?? { x: point.period }), [`c${coupon_id}`]: point.redemptions });
    }
  }

  return [...rows.values()];
}
