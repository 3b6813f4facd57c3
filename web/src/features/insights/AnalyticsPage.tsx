import { useSearchParams } from 'react-router';
import type { TimelineSeries } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { Markers, marksOf, useMarkers } from '../../shared/ui/Markers';
import { Seasons } from '../../shared/ui/Seasons';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { Chart } from '../../shared/ui/Chart';
import type { Row } from '../../shared/ui/Charts';
import { ComparePicker } from './ComparePicker';
import { figuresApi } from '../../shared/api/figures';
import { daysOf, readPeriod } from '../../shared/lib/period';
import { rows, shareOf, spanOf } from '../../shared/lib/rows';
import { PeriodBar } from '../../shared/ui/PeriodBar';

const sides = ['discount_type', 'applicable_to', 'channel', 'location'] as const;

/** The charts of MET-02 and the comparison and seasons of MET-04. What is compared is in the address. */
export function AnalyticsPage() {
  const { t, word } = useTranslation();
  const can = useCan();
  const withMoney = can('finance.read');
  const canDrill = can('redemptions.read');
  const [params] = useSearchParams();
  const { period, interval } = readPeriod(params);
  const days = daysOf(period);
  const compared = params.get('coupons') ?? '';
  const all = figuresApi.endpoints.getTimeline.useQuery({ ...days, interval });
  const daily = figuresApi.endpoints.getTimeline.useQuery({ ...days, interval: 'day' });
  const chosen = figuresApi.endpoints.getTimeline.useQuery({ ...days, interval, couponId: compared }, { skip: compared === '' });
  const funnel = figuresApi.endpoints.getFunnel.useQuery(days);
  const happenings = useMarkers(days);
  const points = all.data?.series[0]?.points ?? [];
  const currency = all.data?.currency;
  const at = (from: string) => spanOf(from, interval, days);
  /** What leads to rows, for those who may see them. */
  const leading = (to: (value: string, key: string) => string | undefined) => (canDrill ? { to } : {});
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
              marks={marksOf(happenings, points)}
              title={t('chart.redemptions')}
              {...leading((from, key) => rows[key === 'refusals' ? 'refusals' : 'redemptions'](at(from)))}
              rows={points.map((point) => ({ x: point.period, redemptions: point.redemptions, refusals: point.refusals }))}
              lines={[
                { key: 'redemptions', name: t('figure.redemptions') },
                { key: 'refusals', name: t('figure.refusals') },
              ]}
            />
            {withMoney && (
              <Chart
                kind="bar"
                title={t('chart.revenue')}
                currency={currency}
                {...leading((from) => rows.money(at(from), currency ?? ''))}
                rows={points.map((point) => ({ x: point.period, revenue: point.revenue ?? 0, discounts: point.discounts ?? 0 }))}
                lines={[
                  { key: 'revenue', name: t('figure.revenue'), money: true },
                  { key: 'discounts', name: t('figure.discounts'), money: true },
                ]}
              />
            )}
            <Chart
              kind="bar"
              horizontal
              title={t('chart.funnel')}
              {...leading((step) => stepRows(step, days))}
              rows={(funnel.data?.steps ?? []).map(({ step, count }) => ({ x: step, count }))}
              lines={[{ key: 'count', name: t('chart.count') }]}
              label={(step) => word('funnel', step)}
            />
            <Seasons days={daily.data?.series[0]?.points ?? []} {...(canDrill ? { of: days } : {})} />
            {sides.map((by) => (
              <Shares key={by} by={by} days={days} />
            ))}
            <Markers happenings={happenings} />
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
                  marks={marksOf(happenings, chosen.data?.series[0]?.points ?? [])}
                  title={t('chart.compare')}
                  {...leading((from, key) => rows.redemptions({ ...at(from), coupon_id: key.slice(1) }))}
                  rows={joined(chosen.data?.series ?? [])}
                  lines={(chosen.data?.series ?? []).map((series) => ({ key: `c${series.coupon_id}`, name: series.code ?? '' }))}
                />
              ))}
          </section>
        </>
      )}
    </div>
  );
}

/** What a step of the funnel is made of. */
function stepRows(step: string, days: { from: string; to: string }): string {
  if (step === 'viewed') return rows.views(days);
  if (step === 'tried') return rows.attempts({ ...days, once: 'true' });
  return rows.redemptions(step === 'redeemed' ? days : { ...days, booking: step });
}

function Shares({ by, days }: { by: (typeof sides)[number]; days: { from: string; to: string } }) {
  const { t, word } = useTranslation();
  const canDrill = useCan()('redemptions.read');
  const { data } = figuresApi.endpoints.getBreakdown.useQuery({ ...days, by });
  const family = by === 'discount_type' ? 'discountType' : by === 'applicable_to' ? 'applicableTo' : 'channel';
  return (
    <Chart
      kind="bar"
      horizontal
      title={t(`chart.by.${by}`)}
      rows={(data?.rows ?? []).map((row) => ({ x: row.key, redemptions: row.redemptions }))}
      lines={[{ key: 'redemptions', name: t('figure.redemptions') }]}
      {...(canDrill ? { to: (key: string) => rows.redemptions({ ...days, ...shareOf(by, key), currency: data?.currency }) } : {})}
      label={(key) => (key === '' ? t('chart.unknown') : by === 'location' ? key : word(family, key))}
    />
  );
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
