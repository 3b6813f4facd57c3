import { Coins } from 'lucide-react';
import { Link } from 'react-router';
import type { AttributionRow, AttributionTable } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount } from '../../shared/lib/format';
import { daysOf, readPeriod } from '../../shared/lib/period';
import { rows, shareOf } from '../../shared/lib/rows';
import { useAddress } from '../../shared/lib/useAddress';
import { Chart } from '../../shared/ui/Chart';
import { Drill } from '../../shared/ui/Drill';
import { PeriodBar } from '../../shared/ui/PeriodBar';
import { Scrollable } from '../../shared/ui/Scrollable';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { campaignsApi } from './campaignsApi';
import { CampaignTabs } from './CampaignTabs';

const sides = ['campaign', 'coupon', 'marketing_channel', 'utm_source'] as const;
type Side = (typeof sides)[number];
const mostBars = 8;
/** As many rows as the table has at most: with as many it may leave some out. */
const mostRows = 100;

/** Who gets the revenue, by first and by last touch (CMP-04). */
export function AttributionPage() {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const by: Side = sides.find((one) => one === params.get('by')) ?? 'campaign';
  const { from, to } = daysOf(readPeriod(params).period);
  const { data, error, refetch } = campaignsApi.endpoints.getAttribution.useQuery({ from: from, to, by });
  const set = (value: Side) =>
    setParams((present) => {
      const next = new URLSearchParams(present);
      next.set('by', value);
      return next;
    });
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.campaigns')}</h1>
          <p>{t('attribution.text')}</p>
        </div>
        <PeriodBar />
      </header>
      <CampaignTabs />
      <div className="row">
        <div className="choice" role="radiogroup" aria-label={t('attribution.by')}>
          {sides.map((one) => (
            <label key={one}>
              <input type="radio" name="by" checked={by === one} onChange={() => set(one)} />
              <span>{t(`attribution.by.${one}`)}</span>
            </label>
          ))}
        </div>
      </div>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeletons lines={8} />
      ) : data.rows.length === 0 ? (
        <div className="card">
          <EmptyState icon={Coins} title={t('attribution.empty')} />
        </div>
      ) : (
        <Shares table={data} by={by} />
      )}
    </div>
  );
}

function Shares({ table, by }: { table: AttributionTable; by: Side }) {
  const { t, locale, word } = useTranslation();
  const nameOf = ({ key, name }: AttributionRow) =>
    key === '' ? t(by === 'campaign' ? 'attribution.none.campaign' : 'attribution.none') : name || (by === 'marketing_channel' ? word('marketingChannel', key) : key);
  const sum = (touch: 'last' | 'first', figure: 'redemptions' | 'revenue') => table.rows.reduce((total, row) => total + (row[touch][figure] ?? 0), 0);
  const money = (value: number | undefined) => formatAmount(value ?? 0, table.currency, locale);
  const can = useCan();
  const withMoney = can('finance.read');
  const rowsOf = (row: AttributionRow, touch: string) => can('redemptions.read') && touchRows(table, row.key, touch);
  /** Each touch divides all that stand; a table that was cut off does not have them all. */
  const all = can('redemptions.read') && table.rows.length < mostRows && rows.redemptions({ from: table.from, to: table.to, status: 'redeemed' });
  const rowsNamed = (name: string, touch: string) => {
    const row = table.rows.find((one) => nameOf(one) === name);
    return row && touchRows(table, row.key, touch);
  };
  const shown = withMoney ? 'revenue' : 'redemptions';
  const columns = withMoney ? (['figure.redemptions', 'column.revenue', 'figure.discounts'] as const) : (['figure.redemptions'] as const);
  return (
    <>
      <Chart
        kind="bar"
        horizontal
        title={t(withMoney ? 'attribution.revenue' : 'chart.redemptions')}
        currency={table.currency}
        {...(can('redemptions.read') ? { to: (name: string, touch: string) => rowsNamed(name, touch) } : {})}
        rows={table.rows.slice(0, mostBars).map((row) => ({ x: nameOf(row), last: row.last[shown] ?? 0, first: row.first[shown] ?? 0 }))}
        lines={[
          { key: 'last', name: t('attribution.last'), money: withMoney },
          { key: 'first', name: t('attribution.first'), money: withMoney },
        ]}
      />
      <section className="card" aria-label={t('campaigns.tab.attribution')}>
        <Scrollable label={t('campaigns.tab.attribution')}>
          <table className="simple-table">
            <thead>
              <tr>
                <th scope="col" rowSpan={2}>
                  {t(`attribution.by.${by}`)}
                </th>
                <th scope="colgroup" colSpan={columns.length} className="end">
                  {t('attribution.last')}
                </th>
                <th scope="colgroup" colSpan={columns.length} className="end">
                  {t('attribution.first')}
                </th>
              </tr>
              <tr>
                {(['last', 'first'] as const).map((touch) =>
                  columns.map((text) => (
                    <th scope="col" className="end" key={touch + text}>
                      {t(text)}
                    </th>
                  )),
                )}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row) => (
                <tr key={row.key}>
                  <th scope="row">
                    <Name row={row} by={by} text={nameOf(row)} />
                  </th>
                  {(['last', 'first'] as const).map((touch) =>
                    [formatCount(row[touch].redemptions, locale), ...(withMoney ? [money(row[touch].revenue), money(row[touch].discounts)] : [])].map((text, place) => (
                      <td className="end num" key={touch + place}>
                        <Drill to={rowsOf(row, touch)}>{text}</Drill>
                      </td>
                    )),
                  )}
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">{t('attribution.sum')}</th>
                {(['last', 'first'] as const).map((touch) => [
                  <td className="end num" key={`${touch}u`}>
                    <Drill to={all}>{formatCount(sum(touch, 'redemptions'), locale)}</Drill>
                  </td>,
                  withMoney && (
                    <td className="end num" key={`${touch}r`}>
                      <Drill to={all}>{money(sum(touch, 'revenue'))}</Drill>
                    </td>
                  ),
                  withMoney && <td key={`${touch}d`} />,
                ])}
              </tr>
            </tfoot>
          </table>
        </Scrollable>
      </section>
    </>
  );
}

/** The redemptions that a touch gives to a row. */
const touchRows = ({ by, from, to }: AttributionTable, key: string, touch: string) => rows.redemptions({ from, to, status: 'redeemed', touch, ...shareOf(by, key) });

/** Leads to the rows: a campaign's or a coupon's own, or the coupons that came from a source. */
function Name({ row, by, text }: { row: AttributionRow; by: Side; text: string }) {
  if (row.key === '' || by === 'marketing_channel') return <bdi>{text}</bdi>;
  const to = by === 'coupon' ? `/coupons/${row.key}/usage` : by === 'campaign' ? `/campaigns/${encodeURIComponent(row.key)}` : `/coupons?campaign=${encodeURIComponent(row.key)}`;
  return (
    <Link to={to} className={by === 'coupon' ? 'code-chip' : 'anywhere'}>
      <bdi>{text}</bdi>
    </Link>
  );
}
