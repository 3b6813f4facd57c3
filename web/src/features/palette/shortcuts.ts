import type { MessageKey } from '../../shared/i18n/i18n';

/** Keys that lead somewhere: pressed one after the other, outside of text. */
export const shortcuts: readonly { keys: readonly string[]; to: string; text: MessageKey }[] = [
  { keys: ['c'], to: '/coupons/new', text: 'coupons.create' },
  { keys: ['g', 'c'], to: '/coupons', text: 'nav.coupons' },
  { keys: ['g', 'd'], to: '/coupons/dashboard', text: 'coupons.tab.dashboard' },
  { keys: ['g', 'y'], to: '/coupons/analytics', text: 'coupons.tab.analytics' },
  { keys: ['g', 'i'], to: '/coupons/bulk', text: 'coupons.tab.bulk' },
  { keys: ['g', 'k'], to: '/campaigns', text: 'nav.campaigns' },
  { keys: ['g', 'l'], to: '/campaigns/calendar', text: 'campaigns.tab.calendar' },
  { keys: ['g', 'r'], to: '/redemptions', text: 'nav.redemptions' },
  { keys: ['g', 'm'], to: '/monitoring', text: 'nav.monitoring' },
  { keys: ['g', 'j'], to: '/operations', text: 'nav.operations' },
  { keys: ['g', 'p'], to: '/approvals', text: 'nav.approvals' },
  { keys: ['g', 'e'], to: '/expiry', text: 'nav.expiry' },
  { keys: ['g', 'a'], to: '/audit', text: 'nav.audit' },
  { keys: ['g', 's'], to: '/settings', text: 'nav.settings' },
];
