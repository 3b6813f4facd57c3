import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { FinancialImpact } from '../../shared/api/client.generated';
import { figuresApi } from '../../shared/api/figures';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount, formatShare } from '../../shared/lib/format';
import { daysOf, intervalFor, periods, type PeriodName } from '../../shared/lib/period';
import { rows as rowsAt, spanOf } from '../../shared/lib/rows';
import { Chart } from '../../shared/ui/Chart';
import { Drill } from '../../shared/ui/Drill';
import { Markers, marksOf, useMarkers, type Happening } from '../../shared/ui/Markers';
import { Seasons } from '../../shared/ui/Seasons';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';

const mostChanges = 50;
const quietMs = 60 * 86_400_000;

/** The figures of one coupon (A.8) and its redemptions along time (MET-04). What nobody knows is said to be unknown. */
export function CouponAnalytics({ coupon }: { coupon: Coupon }) {
  const { t, locale, word } = useTranslation();
  const canDrill = useCan()('redemptions.read');
  const { data, error, refetch } = figuresApi.endpoints.getCouponAnalytics.useQuery({ id: coupon.id });
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <Skeletons lines={8} />;
  const { usage_statistics: usage, financial_impact: money, conversion_analysis: later, fraud_indicators: fraud } = data;
  const count = (value: number | null) => (value === null ? t('chart.unknown') : formatCount(value, locale));
  const share = (value: number | null) => (value === null ? t('chart.unknown') : formatShare(value, locale));
  const of = { coupon_id: coupon.id };
  const redemptions = (filter = {}) => canDrill && rowsAt.redemptions({ ...of, ...filter });
  const stands = redemptions({ status: 'redeemed' });
  const refused = (filter = {}) => canDrill && rowsAt.refusals({ ...of, ...filter });
  const tries = canDrill && rowsAt.tries(of);
  return (
    <>
      <Course coupon={coupon} />
      <Group title={t('analytics.usage')}>
        <Fact name={t('analytics.attempts')} value={count(usage.total_attempts)} to={tries} />
        <Fact name={t('analytics.successful')} value={count(usage.successful_redemptions)} to={redemptions()} />
        <Fact name={t('analytics.failed')} value={count(usage.failed_attempts)} to={refused()} />
        <Fact name={t('analytics.successRate')} value={share(usage.success_rate)} to={tries} />
        <Fact name={t('analytics.people')} value={count(usage.unique_users)} to={stands} />
        <Fact name={t('analytics.repeat')} value={count(usage.repeat_users)} to={stands} />
      </Group>
      {money && <Money money={money} rows={canDrill && rowsAt.money(of, money.currency)} campaign={coupon.campaign_id} />}
      <Group title={t('analytics.later')}>
        <Fact name={t('analytics.bookings')} value={count(later.bookings_completed)} to={redemptions({ booking: 'completed' })} />
        <Fact name={t('analytics.attended')} value={count(later.sessions_attended)} to={redemptions({ booking: 'attended' })} />
        <Fact name={t('analytics.attendance')} value={share(later.attendance_rate)} to={redemptions({ booking: 'completed' })} />
        <Fact name={t('analytics.retention')} value={share(later.customer_retention_rate)} to={stands} />
      </Group>
      <Group title={t('analytics.fraud')}>
        <Fact name={t('analytics.blocked')} value={count(fraud.blocked_attempts)} to={refused()} />
        <Fact name={t('analytics.suspicious')} value={count(fraud.suspicious_usage_count)} />
        <Fact name={t('analytics.flagged')} value={count(fraud.flagged_users.length)} />
        <Fact name={t('analytics.risk')} value={count(fraud.average_risk_score)} />
      </Group>
      {fraud.refusal_reasons.length > 0 && (
        <Group title={t('analytics.refused')}>
          {fraud.refusal_reasons.map(({ reason, count: often }) => (
            <Fact key={reason} name={word('refusal', reason)} value={formatCount(often, locale)} to={refused({ reason })} />
          ))}
        </Group>
      )}
    </>
  );
}

/** What it cost and brought, for those who may see sums of money (ACC-03). */
function Money({ money, rows, campaign }: { money: FinancialImpact; rows: string | false; campaign: string | null }) {
  const { t, locale } = useTranslation();
  const amount = (value: number) => formatAmount(value, money.currency, locale);
  const roi = money.roi_estimate === null ? t('chart.unknown') : formatShare(money.roi_estimate, locale);
  return (
    <Group title={t('analytics.money')}>
      <Fact name={t('figure.discounts')} value={amount(money.total_discounts_given)} to={rows} />
      <Fact name={t('figure.revenue')} value={amount(money.revenue_generated)} to={rows} />
      <Fact name={t('analytics.average')} value={amount(money.average_discount_per_use)} to={rows} />
      <Fact name={t('analytics.roi')} value={roi} to={campaign ? `/campaigns/${encodeURIComponent(campaign)}` : undefined} />
    </Group>
  );
}

/** Its redemptions along time with what happened meanwhile, beside another coupon's if one is chosen, and its seasons. */
function Course({ coupon }: { coupon: Coupon }) {
  const { t } = useTranslation();
  const canDrill = useCan()('redemptions.read');
  // What has long been quiet shows nothing in a short period.
  const [period, setPeriod] = useState<PeriodName>(() => (coupon.lastUsed && Date.now() - Date.parse(coupon.lastUsed) > quietMs ? '365' : '90'));
  const [other, setOther] = useState('');
  const days = daysOf(period);
  const { data, error, refetch } = figuresApi.endpoints.getTimeline.useQuery({
    ...days,
    interval: intervalFor(period),
    couponId: other ? `${coupon.id},${other}` : String(coupon.id),
  });
  const daily = figuresApi.endpoints.getTimeline.useQuery({ ...daysOf('365'), interval: 'day', couponId: String(coupon.id) });
  const entered = useMarkers(days, coupon.id);
  const happenings = [...entered, ...useChanges(coupon, days)].sort((one, two) => one.day.localeCompare(two.day));
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const series = data?.series ?? [];
  const points = series[0]?.points ?? [];
  return (
    <>
      <div className="row">
        <div className="choice" role="radiogroup" aria-label={t('insights.period')}>
          {periods.map((one) => (
            <label key={one}>
              <input type="radio" name="drawer-period" checked={period === one} onChange={() => setPeriod(one)} />
              <span>{t(`insights.period.${one}`)}</span>
            </label>
          ))}
        </div>
        <Other coupon={coupon} value={other} onChange={setOther} />
      </div>
      <Chart
        kind="line"
        zoomable
        title={t('chart.redemptions')}
        rows={points.map(({ period: x, redemptions, refusals }, place) => ({
          x,
          redemptions,
          ...(other ? { other: series[1]?.points[place]?.redemptions ?? 0 } : { refusals }),
        }))}
        lines={
          other
            ? [
                { key: 'redemptions', name: coupon.code },
                { key: 'other', name: series[1]?.code ?? '' },
              ]
            : [
                { key: 'redemptions', name: t('figure.redemptions') },
                { key: 'refusals', name: t('figure.refusals') },
              ]
        }
        marks={marksOf(happenings, points)}
        {...(canDrill
          ? {
              to: (from: string, key: string) => {
                const span = spanOf(from, intervalFor(period), days);
                if (key === 'other') return rowsAt.redemptions({ ...span, coupon_id: other });
                return rowsAt[key === 'refusals' ? 'refusals' : 'redemptions']({ ...span, coupon_id: coupon.id });
              },
            }
          : {})}
        foot={
          <p className="card__body small">
            <Link to={`/coupons/analytics?coupons=${[coupon.id, other].filter(Boolean).join(',')}`}>{t('analytics.compare')}</Link>
          </p>
        }
      />
      <Markers happenings={happenings} coupon={coupon.id} />
      <Seasons days={daily.data?.series[0]?.points ?? []} {...(canDrill ? { of: { ...daysOf('365'), coupon_id: coupon.id } } : {})} />
    </>
  );
}

/** What people did to the coupon itself, from the log, for who may read it. */
function useChanges(coupon: Coupon, days: { from: string; to: string }): Happening[] {
  const skip = !useCan()('audit.read');
  const about = { subject: `coupon:${coupon.id}`, limit: mostChanges, from: `${days.from}T00:00:00Z` };
  const edited = couponsApi.endpoints.searchAudit.useQuery({ ...about, type: 'coupon.updated' }, { skip });
  const on = couponsApi.endpoints.searchAudit.useQuery({ ...about, type: 'coupon.activated' }, { skip });
  const off = couponsApi.endpoints.searchAudit.useQuery({ ...about, type: 'coupon.deactivated' }, { skip });
  const found = (
    [
      ['edited', edited],
      ['activated', on],
      ['deactivated', off],
    ] as const
  ).flatMap(([kind, { data }]) => (data?.data ?? []).map(({ at }) => ({ id: null, day: at.slice(0, 10), kind, text: '' })));
  const made = coupon.created_at.slice(0, 10);
  return made < days.from ? found : [{ id: null, day: made, kind: 'created', text: '' }, ...found];
}

function Other({ coupon, value, onChange }: { coupon: Coupon; value: string; onChange: (id: string) => void }) {
  const { t } = useTranslation();
  const { data } = couponsApi.endpoints.listCoupons.useQuery({ limit: 25, sort: 'usage_desc' });
  return (
    <label className="row small">
      {t('analytics.compareWith')}
      <select className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">–</option>
        {(data?.data ?? [])
          .filter(({ id }) => id !== coupon.id)
          .map(({ id, code }) => (
            <option key={id} value={id}>
              {code}
            </option>
          ))}
      </select>
    </label>
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

function Fact({ name, value, to }: { name: string; value: string; to?: string | false | undefined }) {
  return (
    <div className="facts__pair">
      <dt>{name}</dt>
      <dd className="num">
        <Drill to={to}>{value}</Drill>
      </dd>
    </div>
  );
}
