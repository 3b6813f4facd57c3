import type { RoleView } from '../../shared/api/client.generated';
import type { Locale } from '../../shared/i18n/i18n';

/** Ready-made roles in German; the service says them in English. Roles put together here keep the name they were given. */
const german: Record<string, string> = {
  administrator: 'Administration',
  marketing_operations: 'Marketing',
  operations: 'Betrieb',
  customer_support: 'Kundendienst',
  reviewer: 'Prüfung',
  fraud_analyst: 'Betrugsanalyse',
  finance: 'Finanzen',
  executive_viewer: 'Leitung, nur lesend',
  site_reliability: 'Systembetrieb',
  merchant_manager: 'Leitung eines Händlers',
  merchant_till: 'Kasse eines Händlers',
  partner_viewer: 'Partner, nur lesend',
  customer: 'Kunde',
};

export const roleName = ({ id, name, is_ready_made: isReadyMade }: Pick<RoleView, 'id' | 'name' | 'is_ready_made'>, locale: Locale) =>
  (locale === 'de' && isReadyMade ? german[id] : undefined) ?? name;
