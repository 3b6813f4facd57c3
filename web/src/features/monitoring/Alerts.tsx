import { CircleAlert, CircleCheck } from 'lucide-react';
import { useEffect, type ReactNode } from 'react';
import { Link } from 'react-router';
import { alertsApi } from '../../shared/api/alerts';
import { useAppSelector, useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { AlertNote } from '../../shared/ui/AlertNote';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { SubjectName } from '../../shared/ui/SubjectName';
import { Ago } from '../../shared/ui/Values';

const refreshMs = 15_000;
const poll = { pollingInterval: refreshMs, skipPollingIfUnfocused: true };

interface Shown {
  id: string;
  at: string;
  kind: string;
  text: ReactNode;
  aside: ReactNode;
}

/** What somebody should look at: unusual coupons, codes that fail too often, and the expiry pipeline, as far as one may. */
export function Alerts() {
  const { t, word, locale } = useTranslation();
  const can = useCan();
  const isStaff = useAppSelector((state) => state.session.session?.realm === 'staff');
  const coupons = usePages(alertsApi.endpoints.listCouponAlerts, { limit: 25, isOpen: true });
  const expiry = alertsApi.endpoints.listExpiryAlerts.useQuery({ limit: 25, isOpen: true }, { ...poll, skip: !can('expiry.read') });
  const codes = alertsApi.endpoints.listSecurityAlerts.useQuery(undefined, { ...poll, skip: !can('audit.read') || !isStaff });
  const { refetch } = coupons;
  useEffect(() => {
    const timer = setInterval(refetch, refreshMs);
    return () => clearInterval(timer);
  }, [refetch]);
  const shown: Shown[] = [
    ...coupons.rows.map((alert) => ({
      id: alert.id,
      at: alert.raised_at,
      kind: alert.kind,
      text: (
        <>
          <Link className="code-chip" to={`/coupons/${alert.coupon_id}/analytics`}>
            {alert.code}
          </Link>{' '}
          {t('monitoring.measured', { measured: formatCount(alert.measured, locale), usual: formatCount(alert.usual, locale) })}
        </>
      ),
      aside: <AlertNote alert={alert} of="coupon" name={alert.code} />,
    })),
    ...(codes.data?.data ?? [])
      .filter((alert) => !alert.cleared_at)
      .map((alert) => ({
        id: alert.id,
        at: alert.raised_at,
        kind: alert.kind,
        text: t('monitoring.failedCodes', { subject: alert.subject, limit: formatCount(alert.per_minute, locale) }),
        aside: <AlertNote alert={alert} of="security" name={alert.subject} />,
      })),
    ...(expiry.data?.data ?? []).map((alert) => ({
      id: alert.id,
      at: alert.raised_at,
      kind: alert.kind,
      text: (
        <Link to="/expiry">
          <SubjectName subject={alert.subject} />
        </Link>
      ),
      aside: <AlertNote alert={alert} of="expiry" name={alert.subject} />,
    })),
  ].sort((one, other) => other.at.localeCompare(one.at));
  const error = coupons.error ?? expiry.error ?? codes.error;
  return (
    <section className="card monitor__alerts" aria-labelledby="alerts">
      <div className="card__head">
        <h2 id="alerts">{t('monitoring.alerts')}</h2>
        {shown.length > 0 && <span className="badge badge--warn">{shown.length}</span>}
      </div>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : coupons.isLoading ? (
        <div className="card__body">
          <Skeletons lines={3} />
        </div>
      ) : shown.length === 0 ? (
        <EmptyState icon={CircleCheck} title={t('expiry.noAlerts')} text={t('monitoring.noAlerts')} />
      ) : (
        // What scrolls has to be reachable by keyboard even when nothing in it is.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <ul className="feed monitor__feed" aria-labelledby="alerts" tabIndex={0}>
          {shown.map((alert) => (
            <li key={alert.id}>
              <CircleAlert className="icon text-danger" aria-hidden />
              <strong>{word('alert', alert.kind)}</strong>
              <span className="grow" />
              <span className="muted small">
                <Ago at={alert.at} />
              </span>
              <span className="monitor__text anywhere">{alert.text}</span>
              {alert.aside}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
