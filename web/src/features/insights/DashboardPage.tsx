import { ArrowDownRight, ArrowRight, ArrowUpRight, ReceiptText } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import type { CouponSummary } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount, formatShare } from '../../shared/lib/format';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { Drill } from '../../shared/ui/Drill';
import { LiveBadge } from '../../shared/ui/LiveBadge';
import { Scrollable } from '../../shared/ui/Scrollable';
import { EmptyState, ErrorState } from '../../shared/ui/States';
import { Ago, Amount } from '../../shared/ui/Values';
import { Chart, ChartToCome, loadCharts } from '../../shared/ui/Chart';
import { figuresApi } from '../../shared/api/figures';
import { daysOf, readPeriod } from '../../shared/lib/period';
import { rows, spanOf } from '../../shared/lib/rows';
import { PeriodBar } from '../../shared/ui/PeriodBar';

const trends = { up: ArrowUpRight, down: ArrowDownRight, stable: ArrowRight } as const;

loadCharts();

/** The figures of A.7; each leads to the rows it is made of (MET-24). */
export function DashboardPage() {
  const { t } = useTranslation();
  const canDrill = useCan()('redemptions.read');
  const [params] = useSearchParams();
  const { period, interval } = readPeriod(params);
  const days = daysOf(period);
  const summary = figuresApi.endpoints.getSystemAnalytics.useQuery(days);
  const timeline = figuresApi.endpoints.getTimeline.useQuery({ ...days, interval });
  return (
    <div className="page">
      <header className="page__head">
        <h1>{t('coupons.title')}</h1>
        <div className="row">
          <LiveBadge />
          <PeriodBar />
        </div>
      </header>
      <CouponTabs />
      {summary.error ? <ErrorState error={summary.error} onRetry={summary.refetch} /> : <Figures summary={summary.data} />}
      {timeline.error ? (
        <ErrorState error={timeline.error} onRetry={timeline.refetch} />
      ) : !timeline.data ? (
        <ChartToCome title={t('chart.redemptions')} />
      ) : (
        <Chart
          kind="area"
          title={t('chart.redemptions')}
          {...(canDrill ? { to: (from: string, key: string) => rows[key === 'refusals' ? 'refusals' : 'redemptions'](spanOf(from, interval, days)) } : {})}
          rows={(timeline.data.series[0]?.points ?? []).map((point) => ({ x: point.period, redemptions: point.redemptions, refusals: point.refusals }))}
          lines={[
            { key: 'redemptions', name: t('figure.redemptions') },
            { key: 'refusals', name: t('figure.refusals') },
          ]}
        />
      )}
      {summary.data && (
        <div className="columns">
          <Performers summary={summary.data} />
          <Recent summary={summary.data} />
        </div>
      )}
    </div>
  );
}

/** Before the figures have come their cards stand as they will, so that nothing moves. */
function Figures({ summary }: { summary: CouponSummary | undefined }) {
  const { t, locale, word } = useTranslation();
  const can = useCan();
  const canDrill = can('redemptions.read');
  const withMoney = can('finance.read');
  const trend = summary?.overview.trending_direction ?? 'stable';
  const Trend = trends[trend as keyof typeof trends] ?? ArrowRight;
  const today = new Date().toISOString().slice(0, 10);
  const days = summary ? { from: summary.from, to: summary.to } : {};
  const money = rows.money(days, summary?.currency ?? '');
  const count = (value: number) => formatCount(value, locale);
  const amount = (value: number) => formatAmount(value, summary?.currency ?? '', locale);
  const show = (read: (overview: CouponSummary['overview']) => string) => summary && read(summary.overview);
  return (
    <div className="figures" aria-busy={!summary}>
      <Figure label={t('figure.active')} to="/coupons?status=active" value={show((overview) => count(overview.total_active_coupons))} />
      <Figure label={t('figure.today')} to={canDrill && rows.redemptions({ from: today, to: today })} value={show((overview) => count(overview.total_redemptions_today))} />
      <Figure
        label={t('figure.redemptions')}
        to={canDrill && rows.redemptions(days)}
        value={show((overview) => count(overview.total_redemptions))}
        note={
          <span className={`trend trend--${trend}`}>
            <Trend className="icon" aria-hidden /> {word('trend', trend)}
          </span>
        }
      />
      {withMoney && (
        <>
          <Figure label={t('figure.revenue')} to={canDrill && money} value={show((overview) => amount(overview.total_revenue_generated ?? 0))} />
          <Figure label={t('figure.discounts')} to={canDrill && money} value={show((overview) => amount(overview.total_discounts_given ?? 0))} />
        </>
      )}
      <Figure label={t('figure.conversion')} to={canDrill && rows.tries(days)} value={show((overview) => formatShare(overview.average_conversion_rate, locale))} />
    </div>
  );
}

function Figure({ label, value, to, note }: { label: string; value: string | undefined; to: string | false; note?: ReactNode }) {
  const text = (
    <>
      <span className="figure__label">{label}</span>
      <span className="figure__value">{value ?? <span className="skeleton" />}</span>
      {note && <span className={value === undefined ? 'small figure__later' : 'small'}>{note}</span>}
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

function Performers({ summary }: { summary: CouponSummary }) {
  const { t, locale } = useTranslation();
  const can = useCan();
  const withMoney = can('finance.read');
  const canDrill = can('redemptions.read');
  const of = (coupon: number) => ({ coupon_id: coupon, from: summary.from, to: summary.to });
  return (
    <section className="card" aria-labelledby="performers">
      <div className="card__head">
        <h2 id="performers">{t('dashboard.performers')}</h2>
      </div>
      {summary.top_performers.length === 0 ? (
        <EmptyState icon={ReceiptText} title={t('usage.empty')} />
      ) : (
        <Scrollable labelledBy="performers">
          <table className="simple-table">
            <thead>
              <tr>
                <th scope="col">{t('column.code')}</th>
                <th scope="col" className="end">
                  {t('figure.redemptions')}
                </th>
                {withMoney && (
                  <th scope="col" className="end">
                    {t('column.revenue')}
                  </th>
                )}
                <th scope="col" className="end">
                  {t('column.conversion')}
                </th>
              </tr>
            </thead>
            <tbody>
              {summary.top_performers.map((coupon) => (
                <tr key={coupon.coupon_id}>
                  <td>
                    <Link className="code-chip" to={`/coupons/${coupon.coupon_id}`}>
                      {coupon.code}
                    </Link>
                  </td>
                  <td className="end num">
                    <Drill to={canDrill && rows.redemptions(of(coupon.coupon_id))}>{formatCount(coupon.redemptions, locale)}</Drill>
                  </td>
                  {withMoney && (
                    <td className="end">
                      <Drill to={canDrill && rows.money(of(coupon.coupon_id), summary.currency)}>
                        <Amount value={coupon.revenue_generated ?? 0} currency={summary.currency} />
                      </Drill>
                    </td>
                  )}
                  <td className="end num">
                    <Drill to={canDrill && rows.tries(of(coupon.coupon_id))}>{formatShare(coupon.conversion_rate, locale)}</Drill>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
    </section>
  );
}

function Recent({ summary }: { summary: CouponSummary }) {
  const { t, word } = useTranslation();
  return (
    <section className="card" aria-labelledby="recent">
      <div className="card__head">
        <h2 id="recent">{t('dashboard.recent')}</h2>
      </div>
      {summary.recent_activity.length === 0 ? (
        <EmptyState icon={ReceiptText} title={t('usage.empty')} />
      ) : (
        <ul className="feed">
          {summary.recent_activity.map((use) => (
            <li key={use.redemption_id}>
              <Link className="code-chip" to={`/redemptions/${use.redemption_id}`}>
                {use.coupon_code}
              </Link>
              {use.amount_discounted !== undefined && (
                <span>
                  − <Amount value={use.amount_discounted} currency={use.currency} />
                </span>
              )}
              {use.booking_status && <span className="badge">{word('bookingStatus', use.booking_status)}</span>}
              <span className="grow" />
              <span className="muted small">
                <Ago at={use.timestamp} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
