import { Cable } from 'lucide-react';
import { useEffect } from 'react';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount, formatShare } from '../../shared/lib/format';
import { Listing } from '../../shared/ui/Listing';
import { Ago } from '../../shared/ui/Values';
import { expiryApi } from './expiryApi';

const refreshMs = 30_000;
const figures = ['success', 'latency', 'quota', 'queue', 'sla'] as const;

/** How each partner is doing (CON-03): calls of the last hour, quota of today, queue, service level, last confirmation and error. */
export function PartnerHealth() {
  const { t, locale } = useTranslation();
  const pages = usePages(expiryApi.endpoints.listConnectorFigures, { limit: 50 });
  const { refetch } = pages;
  useEffect(() => {
    const timer = setInterval(refetch, refreshMs);
    return () => clearInterval(timer);
  }, [refetch]);
  const count = (value: number) => formatCount(value, locale);
  const share = (value?: number | null) => (value === null || value === undefined ? '–' : formatShare(value, locale));
  return (
    <Listing
      title={t('health.title')}
      icon={Cable}
      empty={t('expiry.noPartners')}
      pages={pages}
      columns={[t('expiry.partner'), ...figures.map((name) => ({ name: t(`health.${name}`), end: true })), t('health.confirmed'), t('health.error')]}
      row={(partner) => (
        <tr key={partner.connector_id}>
          <td>
            <bdi>{partner.name}</bdi>
          </td>
          <td className="end num">{share(partner.success_rate)}</td>
          <td className="end num">{partner.latency_p50_ms === null ? '–' : `${partner.latency_p50_ms} / ${partner.latency_p95_ms} ms`}</td>
          <td className="end num">{partner.quota_per_day ? `${count(partner.quota_used)} / ${count(partner.quota_per_day)}` : count(partner.quota_used)}</td>
          <td className="end num">{count(partner.pending + partner.awaiting_callback)}</td>
          <td className="end num">{share(partner.sla_adherence)}</td>
          <td className="small">{partner.last_acknowledged_at ? <Ago at={partner.last_acknowledged_at} /> : '–'}</td>
          <td className="small anywhere">{partner.last_error}</td>
        </tr>
      )}
    />
  );
}
