import { ArrowDownRight, ArrowRight, ArrowUpRight, ReceiptText } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import type { CouponSummary } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount, formatShare } from '../../shared/lib/format';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { LiveBadge } from '../../shared/ui/LiveBadge';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { Ago, Amount } from '../../shared/ui/Values';
import { Chart, dayLabel } from '../../shared/ui/Charts';
import { insightsApi } from './insightsApi';
import { daysOf, readPeriod } from './period';
import { PeriodBar } from './PeriodBar';

const trends = { up: ArrowUpRight, down: ArrowDownRight, stable: ArrowRight } as const;

/** The figures of A.7; each leads to the rows it is made of (MET-24). */
export function DashboardPage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const { period, interval } = readPeriod(params);
  const days = daysOf(period);
  const summary = insightsApi.endpoints.getSystemAnalytics.useQuery(days);
  const timeline = insightsApi.endpoints.getTimeline.useQuery({ ...days, interval });
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
      {summary.error ? <ErrorState error={summary.error} onRetry={summary.refetch} /> : summary.data ? <Figures summary={summary.data} /> : <Skeletons lines={4} />}
      {timeline.error ? (
        <ErrorState error={timeline.error} onRetry={timeline.refetch} />
      ) : (
        <Chart
          kind="area"
          title={t('chart.redemptions')}
          rows={(timeline.data?.series[0]?.points ?? []).map((point) => ({ x: point.period, redemptions: point.redemptions, refusals: point.refusals }))}
          lines={[
            { key: 'redemptions', name: t('figure.redemptions') },
            { key: 'refusals', name: t('figure.refusals') },
          ]}
          label={dayLabel}
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

function Figures({ summary }: { summary: CouponSummary }) {
  const { t, locale, word } = useTranslation();
  const { overview, currency } = summary;
  const Trend = trends[overview.trending_direction as keyof typeof trends] ?? ArrowRight;
  const used = `dateRange.field=lastUsed&dateRange.from=${summary.from}&dateRange.to=${summary.to}`;
  return (
    <div className="figures">
      <Figure label={t('figure.active')} to="/coupons?status=active" value={formatCount(overview.total_active_coupons, locale)} />
      <Figure label={t('figure.today')} to="/redemptions" value={formatCount(overview.total_redemptions_today, locale)} />
      <Figure
        label={t('figure.redemptions')}
        to={`/coupons?${used}&sort=usage_desc`}
        value={formatCount(overview.total_redemptions, locale)}
        note={
          <span className={`trend trend--${overview.trending_direction}`}>
            <Trend className="icon" aria-hidden /> {word('trend', overview.trending_direction)}
          </span>
        }
      />
      <Figure label={t('figure.revenue')} to={`/coupons?${used}&sort=revenue_desc`} value={formatAmount(overview.total_revenue_generated, currency, locale)} />
      <Figure label={t('figure.discounts')} to={`/coupons?${used}`} value={formatAmount(overview.total_discounts_given, currency, locale)} />
      <Figure label={t('figure.conversion')} to={`/coupons?${used}&sort=conversion_desc`} value={formatShare(overview.average_conversion_rate, locale)} />
    </div>
  );
}

function Figure({ label, value, to, note }: { label: string; value: string; to: string; note?: ReactNode }) {
  return (
    <Link className="figure" to={to}>
      <span className="figure__label">{label}</span>
      <span className="figure__value">{value}</span>
      {note && <span className="small">{note}</span>}
    </Link>
  );
}

function Performers({ summary }: { summary: CouponSummary }) {
  const { t, locale } = useTranslation();
  return (
    <section className="card" aria-labelledby="performers">
      <div className="card__head">
        <h2 id="performers">{t('dashboard.performers')}</h2>
      </div>
      {summary.top_performers.length === 0 ? (
        <EmptyState icon={ReceiptText} title={t('usage.empty')} />
      ) : (
        // Scrollable, so reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className="scroll-x" tabIndex={0} role="group" aria-labelledby="performers">
          <table className="simple-table">
            <thead>
              <tr>
                <th scope="col">{t('column.code')}</th>
                <th scope="col" className="end">
                  {t('figure.redemptions')}
                </th>
                <th scope="col" className="end">
                  {t('column.revenue')}
                </th>
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
                  <td className="end num">{formatCount(coupon.redemptions, locale)}</td>
                  <td className="end">
                    <Amount value={coupon.revenue_generated} currency={summary.currency} />
                  </td>
                  <td className="end num">{formatShare(coupon.conversion_rate, locale)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
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
              <span>
                − <Amount value={use.amount_discounted} currency={use.currency} />
              </span>
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
