import { Siren } from 'lucide-react';
import { Link } from 'react-router';
import { useTranslation } from '../../shared/i18n/i18n';
import { Actor } from '../../shared/ui/Actor';
import { Note } from '../../shared/ui/States';
import { Instant } from '../../shared/ui/Values';
import { approvalsApi } from './approvalsApi';

/** How soon everybody who may see approvals sees that somebody works without them (OPS-04). */
const askedEvery = 15_000;

/** Somebody is in an emergency now: seen on every page by all who may decide or see approvals. */
export default function EmergencyBanner() {
  const { t } = useTranslation();
  const { data } = approvalsApi.endpoints.listEmergencies.useQuery({ limit: 5, isRunning: true }, { pollingInterval: askedEvery, skipPollingIfUnfocused: true });
  return data?.data.map((emergency) => (
    <Note key={emergency.id} kind="danger" icon={Siren}>
      <Link to="/approvals?emergencies=1">{t('emergency.running')}</Link> <Actor id={emergency.actor} /> · {t('emergency.until')}{' '}
      <Instant at={emergency.ends_at} />: <span className="anywhere">{emergency.reason}</span>
    </Note>
  ));
}
