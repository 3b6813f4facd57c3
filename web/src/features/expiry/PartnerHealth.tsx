import { Cable } from 'lucide-react';
import { useEffect } from 'react';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount, formatShare } from '../../shared/lib/format';
import { before, rows } from '../../shared/lib/rows';
import { failureInWords } from '../../shared/lib/failure';
import { Drill } from '../../shared/ui/Drill';
import { Listing } from '../../shared/ui/Listing';
import { Ago } from '../../shared/ui/Values';
import { expiryApi } from './expiryApi';

const refreshMs = 30_000;
const hourMs = 3_600_000;

/** The time that a figure is of, which its rows are of too. */
const hour = (partner: { measured_at: string }) => before(partner.measured_at, hourMs);
const day = (partner: { measured_at: string }) => before(partner.measured_at, 24 * hourMs);
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
            <Drill to={rows.calls(partner.connector_id)}>
              <bdi>{partner.name}</bdi>
            </Drill>
          </td>
          <td className="end num">
            <Drill to={rows.calls(partner.connector_id, hour(partner))}>
              {share(partner.success_rate)} ({count(partner.calls)})
            </Drill>
            {partner.failed_calls > 0 && (
              <div className="small">
                <Drill to={rows.calls(partner.connector_id, { result: 'failed', ...hour(partner) })}>{t('health.failed', { count: partner.failed_calls })}</Drill>
              </div>
            )}
          </td>
          <td className="end num">
            {partner.latency_p50_ms === null ? '–' : <Drill to={rows.calls(partner.connector_id, hour(partner))}>{`${partner.latency_p50_ms} / ${partner.latency_p95_ms} ms`}</Drill>}
          </td>
          <td className="end num">
            <Drill to={rows.calls(partner.connector_id, { from: `${partner.measured_at.slice(0, 10)}T00:00:00Z` })}>
              {partner.quota_per_day ? `${count(partner.quota_used)} / ${count(partner.quota_per_day)}` : count(partner.quota_used)}
            </Drill>
          </td>
          <td className="end num">
            <Drill to={rows.commands(partner.connector_id, { state: 'pending', due: 'true' })}>{count(partner.pending)}</Drill>
            {partner.awaiting_callback > 0 && (
              <div className="small">
                <Drill to={rows.commands(partner.connector_id, { state: 'sent' })}>{t('health.awaiting', { count: partner.awaiting_callback })}</Drill>
              </div>
            )}
          </td>
          <td className="end num">
            <Drill to={rows.commands(partner.connector_id, { service_level: 'met,missed', ...day(partner) })}>
              {share(partner.sla_adherence)} ({count(partner.judged_commands)})
            </Drill>
            {partner.late_commands > 0 && (
              <div className="small">
                <Drill to={rows.commands(partner.connector_id, { service_level: 'missed', ...day(partner) })}>{t('health.late', { count: partner.late_commands })}</Drill>
              </div>
            )}
          </td>
          <td className="small">
            {partner.last_acknowledged_at ? (
              <Drill to={rows.commands(partner.connector_id, { state: 'acknowledged' })}>
                <Ago at={partner.last_acknowledged_at} />
              </Drill>
            ) : (
              '–'
            )}
          </td>
          <td className="small anywhere">{partner.last_error && <Drill to={rows.calls(partner.connector_id, { result: 'failed' })}>{failureInWords(partner.last_error, { t })}</Drill>}</td>
        </tr>
      )}
    />
  );
}
