import { NavLink } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';

const tabs = ['list', 'calendar', 'compare', 'attribution', 'categories'] as const;

/** The same campaigns as rows, in time, side by side, and by whom they brought; and the categories their rules name. */
export function CampaignTabs() {
  const { t } = useTranslation();
  const can = useCan();
  return (
    <nav className="tabs" aria-label={t('nav.campaigns')}>
      {tabs.filter((tab) => tab !== 'categories' || can('promotions.read')).map((tab) => (
        <NavLink key={tab} className="tab" to={tab === 'list' ? '/campaigns' : `/campaigns/${tab}`} end>
          {t(`campaigns.tab.${tab}`)}
        </NavLink>
      ))}
    </nav>
  );
}
