import { NavLink } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';

const tabs = [
  { to: '/redemptions', text: 'rows.tab.redemptions', permission: 'redemptions.read' },
  { to: '/redemptions/attempts', text: 'rows.tab.attempts', permission: 'redemptions.read' },
  { to: '/redemptions/views', text: 'rows.tab.views', permission: 'coupons.read' },
] as const;

/** From what was seen to what was redeemed: the rows that figures are made of. */
export function RedemptionTabs() {
  const { t } = useTranslation();
  const can = useCan();
  return (
    <nav className="tabs" aria-label={t('nav.redemptions')}>
      {tabs
        .filter(({ permission }) => can(permission))
        .map(({ to, text }) => (
          <NavLink key={to} className="tab" to={to} end>
            {t(text)}
          </NavLink>
        ))}
    </nav>
  );
}
