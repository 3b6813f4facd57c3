import { Megaphone } from 'lucide-react';
import { Link } from 'react-router';
import { figuresApi } from '../../shared/api/figures';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { daysOf, intervalFor, periods, type PeriodName } from '../../shared/lib/period';
import { useAddress } from '../../shared/lib/useAddress';
import { rows, spanOf } from '../../shared/lib/rows';
import { Chart } from '../../shared/ui/Chart';
import { Drill } from '../../shared/ui/Drill';
import { Scrollable } from '../../shared/ui/Scrollable';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { CampaignBadge } from './CampaignBadge';
import { campaignsApi } from './campaignsApi';
import { CampaignTabs } from './CampaignTabs';
import { figuresOf, rowsOf, useFigure } from './Performance';

const mostLines = 5;
const choices = ['all', ...periods] as const;

/** Campaigns side by side (CMP-04): the same figures below one another, chosen ones on the same axes. */
export function ComparePage() {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const period = choices.find((one) => one === params.get('period')) ?? 'all';
  const chosen = (params.get('campaigns') ?? '').split(',').filter(Boolean);
  const days = period === 'all' ? {} : daysOf(period);
  const { data, error, refetch } = campaignsApi.endpoints.compareCampaigns.useQuery(days);
  const canDrill = useCan()('redemptions.read');
  const show = useFigure(data?.currency ?? 'EUR');
  const set = (name: string, value: string) =>
    setParams((present) => {
      const next = new URLSearchParams(present);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    });
  const toggle = (id: string) => set('campaigns', (chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]).join(','));
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.campaigns')}</h1>
          <p>{t('compare.text')}</p>
        </div>
        <div className="choice" role="radiogroup" aria-label={t('insights.period')}>
          {choices.map((one) => (
            <label key={one}>
              <input type="radio" name="period" checked={period === one} onChange={() => set('period', one)} />
              <span>{one === 'all' ? t('compare.all') : t(`insights.period.${one}`)}</span>
            </label>
          ))}
        </div>
      </header>
      <CampaignTabs />
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeletons lines={8} />
      ) : data.rows.length === 0 ? (
        <div className="card">
          <EmptyState icon={Megaphone} title={t('campaigns.empty')} text={t('campaigns.empty.text')} />
        </div>
      ) : (
        <>
          <Course period={period} chosen={chosen} />
          <section className="card" aria-label={t('campaigns.tab.compare')}>
            <Scrollable label={t('campaigns.tab.compare')}>
              <table className="simple-table compare">
                <thead>
                  <tr>
                    <th scope="col">{t('field.campaign_id')}</th>
                    {figuresOf(data.rows[0]).map(({ key, text }) => (
                      <th scope="col" className="end" key={key}>
                        {t(text)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {data.rows.map((row) => (
                    <tr key={row.campaign_id}>
                      <th scope="row">
                        <span className="row compare__name">
                          <input
                            type="checkbox"
                            checked={chosen.includes(row.campaign_id)}
                            disabled={chosen.length >= mostLines && !chosen.includes(row.campaign_id)}
                            title={chosen.length >= mostLines ? t('compare.most') : undefined}
                            aria-label={t('compare.choose', { name: row.name })}
                            onChange={() => toggle(row.campaign_id)}
                          />
                          <Link to={`/campaigns/${encodeURIComponent(row.campaign_id)}`} className="anywhere">
                            <bdi>{row.name}</bdi>
                          </Link>
                          <CampaignBadge status={row.status} />
                        </span>
                      </th>
                      {figuresOf(row).map((figure) => (
                        <td className="end num" key={figure.key}>
                          <Drill to={(canDrill || figure.rows === 'costs') && rowsOf(row.campaign_id, figure, data.currency, days)}>{show(row, figure)}</Drill>
                          {figure.key === 'total_redemptions' && row.rolled_back > 0 && (
                            <div className="small muted">
                              <Drill to={canDrill && rows.redemptions({ ...days, campaign_id: row.campaign_id, status: 'rolled_back' })}>{t('figure.givenBack', { count: row.rolled_back })}</Drill>
                            </div>
                          )}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scrollable>
          </section>
        </>
      )}
    </div>
  );
}

function Course({ period, chosen }: { period: 'all' | PeriodName; chosen: string[] }) {
  const { t } = useTranslation();
  const canDrill = useCan()('redemptions.read');
  const name: PeriodName = period === 'all' ? '365' : period;
  const days = daysOf(name);
  const interval = intervalFor(name) === 'month' ? 'week' : intervalFor(name);
  const { data, error, refetch } = figuresApi.endpoints.getTimeline.useQuery(
    { ...days, interval, campaignId: chosen.join(',') },
    { skip: chosen.length === 0 },
  );
  if (chosen.length === 0) return <p className="muted small">{t('compare.none')}</p>;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <Skeletons lines={6} />;
  const starts = data.series[0]?.points.map((point) => point.period) ?? [];
  return (
    <Chart
      kind="line"
      zoomable
      title={t('compare.chart')}
      {...(canDrill ? { to: (from: string, key: string) => rows.redemptions({ ...spanOf(from, interval, days), campaign_id: key }) } : {})}
      rows={starts.map((x, place) => ({ x, ...Object.fromEntries(data.series.map((series) => [series.campaign_id ?? '', series.points[place]?.redemptions ?? 0])) }))}
      lines={data.series.map((series) => ({ key: series.campaign_id ?? '', name: series.code ?? '' }))}
    />
  );
}
