import { Link } from 'react-router';
import type { CampaignFigures } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount, formatShare } from '../../shared/lib/format';
import { rows, type Span } from '../../shared/lib/rows';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { campaignsApi } from './campaignsApi';

/** What the figures of a campaign are called, how they read, and which rows they are made of. */
const figures = [
  { key: 'total_redemptions', text: 'figure.uses', rows: 'redemptions', kind: 'count' },
  { key: 'revenue_generated', text: 'figure.revenue', rows: 'money', kind: 'money' },
  { key: 'discounts_given', text: 'figure.discounts', rows: 'money', kind: 'money' },
  { key: 'conversion_rate', text: 'column.conversion', rows: 'tries', kind: 'share' },
  { key: 'cost_per_use', text: 'figure.costPerUse', rows: 'money', kind: 'money' },
  { key: 'marketing_cost', text: 'figure.cost', rows: 'costs', kind: 'money' },
  { key: 'roi', text: 'figure.roi', rows: 'costs', kind: 'share' },
] as const;
type Figure = (typeof figures)[number];

/** Where the rows of a figure are: the redemptions or attempts with coupons of the campaign, or its costs. */
export const rowsOf = (campaign: string, { rows: kind }: Figure, currency: string, days: Partial<Span> = {}) => {
  const of = { ...days, campaign_id: campaign };
  if (kind === 'costs') return `/campaigns/${encodeURIComponent(campaign)}#costs`;
  return kind === 'money' ? rows.money(of, currency) : rows[kind](of);
};

/** Without the permission for sums of money these do not come (ACC-03). */
export const figuresOf = (row: CampaignFigures | undefined) => figures.filter(({ key }) => row?.[key] !== undefined);

export function useFigure(currency: string) {
  const { locale } = useTranslation();
  return (row: CampaignFigures, { key, kind }: Figure) => {
    const value = row[key];
    if (value === null || value === undefined) return '–';
    return kind === 'count' ? formatCount(value, locale) : kind === 'share' ? formatShare(value, locale) : formatAmount(value, currency, locale);
  };
}

/** The figures of one campaign (A.12); each leads to its rows. */
export function Performance({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = campaignsApi.endpoints.compareCampaigns.useQuery({ campaignId: id });
  const show = useFigure(data?.currency ?? 'EUR');
  const canDrill = useCan()('redemptions.read');
  const row = data?.rows[0];
  return (
    <section className="stack stack--tight" aria-labelledby="campaign-figures">
      <h3 id="campaign-figures">{t('campaign.figures')}</h3>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !row ? (
        <Skeletons lines={3} />
      ) : (
        <div className="figures figures--tight">
          {figuresOf(row).map((figure) => (
            <Value key={figure.key} to={(canDrill || figure.rows === 'costs') && rowsOf(id, figure, data?.currency ?? 'EUR')} label={t(figure.text)} value={show(row, figure)} hint={figure.key === 'cost_per_use' ? t('figure.costPerUse.hint') : undefined} />
          ))}
        </div>
      )}
    </section>
  );
}

function Value({ to, label, value, hint }: { to: string | false; label: string; value: string; hint: string | undefined }) {
  const text = (
    <>
      <span className="figure__label">{label}</span>
      <span className="figure__value figure__value--small">{value}</span>
    </>
  );
  return to ? (
    <Link className="figure" to={to} title={hint}>
      {text}
    </Link>
  ) : (
    <div className="figure">{text}</div>
  );
}
