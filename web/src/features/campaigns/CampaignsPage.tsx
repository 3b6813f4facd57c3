import { Megaphone, Plus } from 'lucide-react';
import { Link, Outlet, useParams } from 'react-router';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Key } from '../../shared/ui/Button';
import { LoadMore } from '../../shared/ui/Paged';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { BudgetMeter } from './BudgetMeter';
import { CampaignBadge } from './CampaignBadge';
import { campaignsApi } from './campaignsApi';
import { CampaignTabs } from './CampaignTabs';
import { RunDays } from './RunDays';

const pageSize = 50;

/** Campaigns as rows of a period, a budget and where their customers come from. */
export function CampaignsPage() {
  const { t, word } = useTranslation();
  const can = useCan();
  const { id } = useParams();
  const pages = usePages(campaignsApi.endpoints.listCampaigns, { limit: pageSize });
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.campaigns')}</h1>
          <p>{t('campaigns.text')}</p>
        </div>
        {can('campaigns.write') && (
          <Link className="button button--primary" to="/campaigns/new" aria-keyshortcuts="n">
            <Plus className="icon" aria-hidden />
            {t('campaigns.create')}
            <Key letter="n" />
          </Link>
        )}
      </header>
      <CampaignTabs />
      {pages.isLoading ? (
        <Skeletons lines={8} />
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <div className="card">
          <EmptyState icon={Megaphone} title={t('campaigns.empty')} text={t('campaigns.empty.text')} />
        </div>
      ) : (
        <ul className="campaign-list">
          {pages.rows.map((campaign) => (
            <li key={campaign.id}>
              <div className="list-card campaign-row">
                <span className="cell--stack">
                  <span className="row">
                    <Link className="campaign-row__name anywhere" to={`/campaigns/${encodeURIComponent(campaign.id)}`} aria-current={campaign.id === id || undefined}>
                      <bdi>{campaign.name}</bdi>
                    </Link>
                    <CampaignBadge status={campaign.status} />
                  </span>
                  <span className="muted truncate">
                    <bdi>{campaign.description}</bdi>
                  </span>
                </span>
                <span className="small">
                  <RunDays run={campaign} />
                </span>
                <BudgetMeter campaign={campaign} />
                <span className="small muted truncate">
                  {[campaign.attribution.marketing_channel && word('marketingChannel', campaign.attribution.marketing_channel), campaign.attribution.utm_source]
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
      <LoadMore pages={pages} />
      <Outlet />
    </div>
  );
}
