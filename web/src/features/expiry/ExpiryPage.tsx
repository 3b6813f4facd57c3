import { CircleAlert, CircleCheck, Hourglass, Pause, Play, RotateCcw } from 'lucide-react';
import { Link } from 'react-router';
import { alertsApi } from '../../shared/api/alerts';
import type { Figures } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount, formatShare, formatTime } from '../../shared/lib/format';
import { before, rows } from '../../shared/lib/rows';
import { AlertNote } from '../../shared/ui/AlertNote';
import { Button } from '../../shared/ui/Button';
import { CarriedRows, useCarried } from '../../shared/ui/CarriedRows';
import { Chart } from '../../shared/ui/Chart';
import { Drill } from '../../shared/ui/Drill';
import { Listing } from '../../shared/ui/Listing';
import { StatusSelect } from '../../shared/ui/Paged';
import { Place } from '../../shared/ui/Place';
import { Scrollable } from '../../shared/ui/Scrollable';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { SubjectName } from '../../shared/ui/SubjectName';
import { useToast } from '../../shared/ui/Toasts';
import { Ago, Instant } from '../../shared/ui/Values';
import { expiryApi } from './expiryApi';
import { ManualQueue } from './ManualQueue';
import { PartnerHealth } from './PartnerHealth';

const refreshMs = 5_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The console of the expiry pipeline (OPS-15): backlog, lag of each partner, breakers, jobs, alerts; pause and resume. */
export function ExpiryPage() {
  const { t } = useTranslation();
  const can = useCan();
  const { data, error, refetch } = expiryApi.endpoints.getExpiryFigures.useQuery(undefined, { pollingInterval: refreshMs, skipPollingIfUnfocused: true });
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.expiry')}</h1>
          <p>{t('expiry.text')}</p>
        </div>
        {data && <Steering mode={data.mode} />}
      </header>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeletons lines={8} />
      ) : (
        <>
          <Overview figures={data} />
          <Chart
            kind="area"
            title={t('expiry.perMinute')}
            rows={data.minutes.map((minute) => ({ x: minute.at, units: minute.units, failures: minute.failures }))}
            lines={[
              { key: 'units', name: t('expiry.units') },
              { key: 'failures', name: t('expiry.failures') },
            ]}
            label={formatTime}
            to={(minute) => rows.minutes({ from: minute, to: new Date(Date.parse(minute) + minuteMs).toISOString() })}
          />
          <div className="columns">
            <Partners figures={data} />
            <Alerts />
          </div>
          {can('connectors.read') && <PartnerHealth />}
          {can('connectors.read') && (
            <Place id="queue">
              <ManualQueue />
            </Place>
          )}
          <Place id="jobs">
            <Jobs />
          </Place>
        </>
      )}
    </div>
  );
}

function Steering({ mode }: { mode: string }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const [pause] = expiryApi.endpoints.pauseExpiry.useMutation();
  const [resume] = expiryApi.endpoints.resumeExpiry.useMutation();
  const [drain] = expiryApi.endpoints.drainExpiry.useMutation();
  const moves = { running: resume, paused: pause, draining: drain } as const;
  const run = async (to: keyof typeof moves, before?: string) => {
    const answer = await moves[to]({});
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    const undo = before && before in moves ? { label: t('action.undo'), run: () => void run(before as keyof typeof moves) } : undefined;
    toast('success', word('expiryMode', answer.data.mode), undo);
  };
  return (
    <div className="row">
      <span className={`badge badge--${mode === 'running' ? 'ok' : 'warn'}`}>{word('expiryMode', mode)}</span>
      {can('expiry.manage') &&
        (mode === 'running' ? (
          <>
            <Button icon={Pause} keys="p" onClick={() => run('paused', mode)}>
              {t('operation.pause')}
            </Button>
            <Button keys="d" onClick={() => run('draining', mode)}>{t('expiry.drain')}</Button>
          </>
        ) : (
          <Button look="primary" icon={Play} keys="p" onClick={() => run('running', mode)}>
            {t('operation.resume')}
          </Button>
        ))}
    </div>
  );
}

interface Shown {
  label: string;
  value: string;
  /** Where its rows are. */
  to: string;
  note?: string;
  /** Where the rows of what is said besides are, where these are others. */
  noteTo?: string;
}

/** The pipeline at a glance; each figure leads to the rows it is made of, as of the same moment (MET-24). */
function Overview({ figures }: { figures: Figures }) {
  const { t, locale } = useTranslation();
  const { backlog, ahead, sla, as_of: now } = figures;
  const count = (value: number) => formatCount(value, locale);
  const told = (ms: number, filter = {}) => rows.told({ cause: 'end_reached', ...filter, ...before(now, ms) });
  const late = sla.units - sla.in_time;
  const shown: Shown[] = [
    { label: t('expiry.backlog'), value: count(backlog.units), to: rows.jobs({ due: 'behind' }), note: t('expiry.jobs', { count: backlog.jobs }) },
    { label: t('expiry.lag'), value: t('expiry.seconds', { count: Math.round(backlog.lag_seconds) }), to: rows.jobs({ due: 'now' }) },
    { label: t('expiry.ahead'), value: count(ahead.units), to: rows.jobs({ due: 'later' }), note: t('expiry.jobs', { count: ahead.jobs }) },
    { label: t('expiry.lastHour'), value: count(figures.processed_last_hour), to: told(hourMs) },
    late > 0
      ? { label: t('expiry.sla'), value: formatShare(sla.ratio, locale), to: told(dayMs), note: t('expiry.late', { count: late, seconds: Math.round(sla.worst_seconds) }), noteTo: told(dayMs, { in_time: 'false' }) }
      : { label: t('expiry.sla'), value: formatShare(sla.ratio, locale), to: told(dayMs), note: t('expiry.worst', { seconds: Math.round(sla.worst_seconds) }) },
    {
      label: t('expiry.failureRate'),
      value: formatShare(figures.failure_rate, locale),
      to: rows.minutes(before(now, hourMs)),
      note: t('expiry.failedJobs', { count: backlog.failed_jobs }),
      noteTo: rows.jobs({ state: 'failed' }),
    },
  ];
  return (
    <div className="figures">
      {shown.map(({ label, value, to, note, noteTo }) => {
        const text = (
          <>
            <span className="figure__label">{label}</span>
            <span className="figure__value">{value}</span>
            {note && !noteTo && <span className="small muted">{note}</span>}
          </>
        );
        return noteTo ? (
          <div className="figure" key={label}>
            <Link className="figure__main" to={to}>
              {text}
            </Link>
            <Link className="quiet-link small" to={noteTo}>
              {note}
            </Link>
          </div>
        ) : (
          <Link className="figure" key={label} to={to}>
            {text}
          </Link>
        );
      })}
    </div>
  );
}

function Partners({ figures }: { figures: Figures }) {
  const { t, locale, word } = useTranslation();
  const can = useCan();
  const openOf = ({ connector_id: id }: Figures['partners'][number]) => can('connectors.read') && rows.commands(id, { state: 'pending,sent', due: 'true' });
  return (
    <section className="card" aria-labelledby="partners">
      <div className="card__head">
        <h2 id="partners">{t('expiry.partners')}</h2>
      </div>
      {figures.partners.length === 0 ? (
        <EmptyState icon={CircleCheck} title={t('expiry.noPartners')} />
      ) : (
        <Scrollable labelledBy="partners">
          <table className="simple-table">
            <thead>
              <tr>
                <th scope="col">{t('expiry.partner')}</th>
                <th scope="col">{t('expiry.lag')}</th>
                <th scope="col" className="end">
                  {t('expiry.open')}
                </th>
                <th scope="col">{t('expiry.breaker')}</th>
                <th scope="col" className="end">
                  {t('expiry.tasks')}
                </th>
              </tr>
            </thead>
            <tbody>
              {figures.partners.map((partner) => (
                <tr key={partner.connector_id}>
                  <td>
                    <bdi>{partner.name}</bdi>
                  </td>
                  <td>
                    <span className={`badge badge--${partner.is_within_sla ? 'ok' : 'danger'}`}>
                      {partner.is_within_sla ? <CircleCheck className="icon" aria-hidden /> : <CircleAlert className="icon" aria-hidden />}
                      <Drill to={openOf(partner)}>{t('expiry.seconds', { count: Math.round(partner.lag_seconds) })}</Drill>
                    </span>
                  </td>
                  <td className="end num">
                    <Drill to={openOf(partner)}>{formatCount(partner.open_commands, locale)}</Drill>
                  </td>
                  <td>
                    <span className={`badge badge--${partner.breaker === 'closed' ? 'ok' : 'warn'}`}>
                      <Drill to={can('connectors.read') && rows.calls(partner.connector_id, { result: 'failed' })}>{word('breaker', partner.breaker)}</Drill>
                    </span>
                    {partner.deferred_at && <span className="badge badge--info">{t('expiry.deferred')}</span>}
                  </td>
                  <td className="end num">
                    <Drill to={can('connectors.read') && `/expiry?connector=${partner.connector_id}#queue`}>{formatCount(partner.open_tasks, locale)}</Drill>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
    </section>
  );
}

function Alerts() {
  const { t, word } = useTranslation();
  const pages = usePages(alertsApi.endpoints.listExpiryAlerts, { limit: 10, isOpen: true });
  return (
    <section className="card" aria-labelledby="alerts">
      <div className="card__head">
        <h2 id="alerts">{t('expiry.alerts')}</h2>
      </div>
      {pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <EmptyState icon={CircleCheck} title={t('expiry.noAlerts')} />
      ) : (
        <ul className="feed">
          {pages.rows.map((alert) => (
            <li key={alert.id}>
              <CircleAlert className="icon text-danger" aria-hidden />
              <strong>{word('alert', alert.kind)}</strong>
              <SubjectName subject={alert.subject} />
              <span className="grow" />
              <span className="muted small">
                <Ago at={alert.raised_at} />
              </span>
              <AlertNote alert={alert} of="expiry" name={alert.subject} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const jobStates = ['waiting', 'done', 'failed'] as const;
const dues = ['now', 'behind', 'later'] as const;
const jobFilters = ['state', 'due'] as const;
const jobFamilies = { state: 'expiryJob', due: 'expiryDue' };

function Jobs() {
  const { t, word, locale } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const { wanted, set } = useCarried(jobFilters);
  const state = jobStates.find((one) => one === wanted.state);
  const due = dues.find((one) => one === wanted.due);
  const filter = { ...(state ? { state } : {}), ...(due ? { due } : {}) };
  // What has come due is shown from the one that is furthest behind.
  const pages = usePages(expiryApi.endpoints.listExpiryJobs, { limit: 25, sort: due ? 'done_until' : '-id', ...filter });
  const totals = expiryApi.endpoints.getExpiryJobTotals.useQuery(filter, { pollingInterval: refreshMs, skipPollingIfUnfocused: true }).data;
  const [retry] = expiryApi.endpoints.retryExpiryJob.useMutation();
  const again = async (id: number) => {
    const answer = await retry({ id });
    if (answer.error) toast('failure', messageOf(answer.error, t));
  };
  return (
    <CarriedRows
      wanted={wanted}
      set={set}
      names="told.by"
      families={jobFamilies}
      totals={totals && t('expiry.jobCount', { count: totals.jobs, planned: totals.planned, due: totals.units_due })}
    >
      <Listing
        title={t('expiry.jobList')}
        icon={Hourglass}
        empty={t('expiry.noJobs')}
        emptyText={t('expiry.noJobs.text')}
        pages={pages}
        columns={[
          t('expiry.hour'),
          t('filter.status'),
          t('expiry.doneUntil'),
          { name: t('expiry.unitsPlanned'), end: true },
          { name: t('expiry.unitsTold'), end: true },
          { name: t('expiry.unitsDue'), end: true },
          { name: t('expiry.failures'), end: true },
          t('expiry.error'),
          '',
        ]}
        action={<StatusSelect label={t('filter.status')} statuses={jobStates} family="expiryJob" value={state} onChange={(next) => set({ ...wanted, state: next })} />}
        row={(job) => (
          <tr key={job.id}>
            <td>
              <Instant at={job.bucket} />
            </td>
            <td>
              <span className={`badge badge--${job.state === 'done' ? 'ok' : job.state === 'failed' ? 'danger' : 'info'}`}>{word('expiryJob', job.state)}</span>
            </td>
            <td>
              <Instant at={job.done_until} />
            </td>
            <td className="end num">{formatCount(job.planned, locale)}</td>
            <td className="end num">{formatCount(job.units, locale)}</td>
            <td className="end num">{formatCount(job.units_due, locale)}</td>
            <td className="end num">{job.failures}</td>
            <td className="small">{job.error}</td>
            <td className="end">
              {job.state === 'failed' && can('expiry.manage') && (
                <Button size="small" icon={RotateCcw} onClick={() => again(job.id)}>
                  {t('action.retry')}
                </Button>
              )}
            </td>
          </tr>
        )}
      />
    </CarriedRows>
  );
}
