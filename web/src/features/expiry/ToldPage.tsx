import { Hourglass } from 'lucide-react';
import { Link, useSearchParams } from 'react-router';
import type { ListExpiryMinutesApiArg, ListExpiryReleasesApiArg } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { CarriedRows, useCarried } from '../../shared/ui/CarriedRows';
import { Drill } from '../../shared/ui/Drill';
import { Listing } from '../../shared/ui/Listing';
import { StatusSelect } from '../../shared/ui/Paged';
import { Instant, Minor } from '../../shared/ui/Values';
import { expiryApi } from './expiryApi';

const pageSize = 50;
const targetSeconds = 60;
const causes = ['end_reached', 'forced', 'cancellation', 'undo'] as const;
const endFilters = ['cause', 'in_time', 'coupon_id', 'campaign_id', 'from', 'to'] as const;
const minuteFilters = ['has_failures', 'from', 'to'] as const;
const families = { cause: 'endCause' };
const flagOf = (text: string | undefined) => (text === 'true' ? true : text === 'false' ? false : undefined);

/** What ended, event by event, and the pipeline's work by the minute: the rows that its figures are made of (MET-24). */
export function ToldPage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const showsMinutes = params.get('show') === 'minutes';
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('told.title')}</h1>
          <p>{t('told.text')}</p>
        </div>
        <Link className="button" to="/expiry">
          {t('nav.expiry')}
        </Link>
      </header>
      <nav className="tabs" aria-label={t('told.parts')}>
        <Link className="tab" to={rows.told()} aria-current={showsMinutes ? undefined : 'page'}>
          {t('told.ends')}
        </Link>
        <Link className="tab" to={rows.minutes()} aria-current={showsMinutes ? 'page' : undefined}>
          {t('told.minutes')}
        </Link>
      </nav>
      {showsMinutes ? <Minutes /> : <Ends />}
    </div>
  );
}

function Ends() {
  const { t, word, locale } = useTranslation();
  const can = useCan();
  const { wanted, set } = useCarried(endFilters);
  const cause = causes.find((one) => one === wanted.cause);
  const inTime = flagOf(wanted.in_time);
  const coupon = Number(wanted.coupon_id);
  const filter: Omit<ListExpiryReleasesApiArg, 'limit'> = {
    ...(cause ? { cause } : {}),
    ...(inTime === undefined ? {} : { inTime }),
    ...(coupon > 0 ? { couponId: coupon } : {}),
    ...(wanted.campaign_id ? { campaignId: wanted.campaign_id } : {}),
    ...(wanted.from ? { from: wanted.from } : {}),
    ...(wanted.to ? { to: wanted.to } : {}),
  };
  const pages = usePages(expiryApi.endpoints.listExpiryReleases, { limit: pageSize, ...filter });
  const totals = expiryApi.endpoints.getExpiryReleaseTotals.useQuery(filter).data;
  const withMoney = can('finance.read');
  return (
    <CarriedRows
      wanted={wanted}
      set={set}
      names="told.by"
      families={families}
      totals={totals && t('told.endCount', { count: totals.units, events: totals.events, late: totals.units - totals.in_time, seconds: Math.round(totals.worst_seconds) })}
    >
      <Listing
        title={t('told.ends')}
        icon={Hourglass}
        empty={t('told.noEnds')}
        pages={pages}
        action={<StatusSelect label={t('told.by.cause')} any={t('told.anyCause')} statuses={causes} family="endCause" value={cause} onChange={(next) => set({ ...wanted, cause: next })} />}
        columns={[
          t('told.at'),
          t('told.coupon'),
          t('told.by.cause'),
          { name: t('expiry.units'), end: true },
          t('told.ended'),
          { name: t('told.took'), end: true },
          ...(withMoney ? [{ name: t('told.budget'), end: true }] : []),
        ]}
        row={(end) => {
          const took = (Date.parse(end.created_at) - Date.parse(end.ends_from)) / 1000;
          return (
            <tr key={end.event_id}>
              <td>
                <Instant at={end.created_at} />
              </td>
              <td className="whole">
                <Drill to={can('coupons.read') && `/coupons/${end.coupon_id}`}>{t('told.couponOf', { id: String(end.coupon_id) })}</Drill>
              </td>
              <td>{word('endCause', end.cause)}</td>
              <td className="end num">{formatCount(end.units, locale)}</td>
              <td>
                <Instant at={end.ends_from} />
              </td>
              <td className="end num">
                {end.cause === 'end_reached' ? <span className={`badge badge--${took <= targetSeconds ? 'ok' : 'danger'}`}>{t('expiry.seconds', { count: Math.round(took) })}</span> : '–'}
              </td>
              {withMoney && <td className="end">{end.budget ? <Minor money={end.budget} /> : '–'}</td>}
            </tr>
          );
        }}
      />
    </CarriedRows>
  );
}

function Minutes() {
  const { t, locale } = useTranslation();
  const { wanted, set } = useCarried(minuteFilters);
  const hasFailures = flagOf(wanted.has_failures);
  const filter: Omit<ListExpiryMinutesApiArg, 'limit'> = {
    ...(hasFailures === undefined ? {} : { hasFailures }),
    ...(wanted.from ? { from: wanted.from } : {}),
    ...(wanted.to ? { to: wanted.to } : {}),
  };
  const pages = usePages(expiryApi.endpoints.listExpiryMinutes, { limit: pageSize, ...filter });
  const totals = expiryApi.endpoints.getExpiryMinuteTotals.useQuery(filter).data;
  return (
    <CarriedRows wanted={wanted} set={set} names="told.by" families={families} totals={totals && t('told.minuteCount', { count: totals.steps + totals.failures, failed: totals.failures, units: totals.units })}>
      <Listing
        title={t('told.minutes')}
        icon={Hourglass}
        empty={t('told.noMinutes')}
        pages={pages}
        columns={[t('told.minute'), t('told.node'), { name: t('expiry.units'), end: true }, { name: t('told.steps'), end: true }, { name: t('expiry.failures'), end: true }, { name: t('told.slowest'), end: true }]}
        row={(minute) => (
          <tr key={`${minute.at} ${minute.node}`}>
            <td>
              <Instant at={minute.at} />
            </td>
            <td className="anywhere">{minute.node}</td>
            <td className="end num">{formatCount(minute.units, locale)}</td>
            <td className="end num">{formatCount(minute.steps, locale)}</td>
            <td className="end num">{formatCount(minute.failures, locale)}</td>
            <td className="end num whole">{t('expiry.seconds', { count: Math.round(minute.late_ms / 1000) })}</td>
          </tr>
        )}
      />
    </CarriedRows>
  );
}
