import { NavLink } from 'react-router';
import { useCan } from '../api/store';
import { useTranslation, type MessageKey } from '../i18n/i18n';

const tabs: { to: string; text: MessageKey; permission: string }[] = [
  { to: '/coupons', text: 'coupons.tab.list', permission: 'coupons.read' },
  { to: '/coupons/dashboard', text: 'coupons.tab.dashboard', permission: 'coupons.read' },
  { to: '/coupons/analytics', text: 'coupons.tab.analytics', permission: 'coupons.read' },
  { to: '/coupons/bulk', text: 'coupons.tab.bulk', permission: 'coupons.bulk' },
];

/** The areas of the coupons page. */
export function CouponTabs() {
  const { t } = useTranslation();
  const can = useCan();
  return (
    <nav className="tabs" aria-label={t('coupons.title')}>
      {tabs
        .filter(({ permission }) => can(permission))
        .map(({ to, text }) => (
          <NavLink key={to} className="tab" to={to} end={to === '/coupons'}>
            {t(text)}
          </NavLink>
        ))}
    </nav>
  );
}
