import { Cable, Lock, SearchX } from 'lucide-react';
import { Link, useParams } from 'react-router';
import type { ListCallsApiArg, ListCommandsApiArg } from '../../shared/api/client.generated';
import { problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { failureInWords } from '../../shared/lib/failure';
import { useAddress } from '../../shared/lib/useAddress';
import { CarriedRows, useCarried } from '../../shared/ui/CarriedRows';
import { Listing } from '../../shared/ui/Listing';
import { StatusSelect } from '../../shared/ui/Paged';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { Instant } from '../../shared/ui/Values';
import { settingsApi } from './settingsApi';

const pageSize = 50;
const results = ['ok', 'failed'] as const;
const states = ['pending', 'sent', 'acknowledged', 'manual', 'done_by_hand', 'dropped'] as const;
const looks: Record<string, string> = { acknowledged: 'ok', done_by_hand: 'ok', manual: 'danger', dropped: 'danger' };

const callFilters = ['result', 'from', 'to'] as const;
const commandFilters = ['state', 'due', 'service_level', 'from', 'to'] as const;
const families = { result: 'callResult', state: 'commandState', service_level: 'serviceLevel' };

/** A partner's calls and commands: the rows that its figures are made of (MET-24). */
export function ConnectorPage() {
  const { t } = useTranslation();
  const can = useCan();
  const { id = '' } = useParams();
  const [params] = useAddress();
  const mayRead = can('connectors.read');
  const { data, error, refetch } = settingsApi.endpoints.getConnector.useQuery({ id }, { skip: !mayRead });
  const showsCommands = params.get('show') === 'commands';
  if (!mayRead) return <Whole icon={Lock} title={t('error.forbidden')} />;
  if (problemOf(error)?.status === 404) return <Whole icon={SearchX} title={t('stream.gone')} />;
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1 className="anywhere">
            <bdi>{data?.name ?? t('settings.connectors')}</bdi>
          </h1>
          <p>{t('stream.text')}</p>
        </div>
      </header>
      <nav className="tabs" aria-label={t('stream.parts')}>
        <Link className="tab" to={rows.calls(id)} aria-current={showsCommands ? undefined : 'page'}>
          {t('stream.calls')}
        </Link>
        <Link className="tab" to={rows.commands(id)} aria-current={showsCommands ? 'page' : undefined}>
          {t('stream.commands')}
        </Link>
      </nav>
      {error ? <ErrorState error={error} onRetry={refetch} /> : !data ? <Skeletons lines={8} /> : showsCommands ? <Commands id={id} /> : <Calls id={id} />}
    </div>
  );
}

function Whole(props: { icon: typeof Lock; title: string }) {
  const { t } = useTranslation();
  return (
    <div className="page">
      <EmptyState isPage {...props} action={<Link to="/settings/connectors">{t('settings.connectors')}</Link>} />
    </div>
  );
}

function Calls({ id }: { id: string }) {
  const { t, locale } = useTranslation();
  const { wanted, set } = useCarried(callFilters);
  const filter: Omit<ListCallsApiArg, 'limit'> = { id, ...wanted, result: results.find((one) => one === wanted.result) };
  const pages = usePages(settingsApi.endpoints.listCalls, { limit: pageSize, ...filter });
  const totals = settingsApi.endpoints.getCallTotals.useQuery(filter).data;
  return (
    <CarriedRows wanted={wanted} set={set} names="stream.by" families={families} totals={totals && t('stream.callCount', { count: totals.calls, failed: totals.failed })}>
      <Listing
        title={t('stream.calls')}
        icon={Cable}
        empty={t('stream.noCalls')}
        pages={pages}
        action={<StatusSelect label={t('stream.result')} any={t('stream.anyResult')} statuses={results} family="callResult" value={filter.result} onChange={(result) => set({ ...wanted, result })} />}
        columns={[t('usage.when'), t('stream.result'), { name: t('stream.calls'), end: true }, { name: t('stream.milliseconds'), end: true }, t('stream.positions')]}
        row={(call) => (
          <tr key={call.id}>
            <td>
              <Instant at={call.at} />
            </td>
            <td>
              <span className={`badge badge--${call.outcome === 'ok' ? 'ok' : 'danger'}`}>{failureInWords(call.outcome, { t })}</span> {call.outcome !== `http_${call.status}` && call.status}
            </td>
            <td className="end num">{formatCount(call.calls, locale)}</td>
            <td className="end num">{formatCount(call.milliseconds, locale)}</td>
            <td className="num">{call.from_position === call.to_position ? call.to_position : `${call.from_position} – ${call.to_position}`}</td>
          </tr>
        )}
      />
    </CarriedRows>
  );
}

function Commands({ id }: { id: string }) {
  const { t, word, locale } = useTranslation();
  const { wanted, set } = useCarried(commandFilters);
  const { state, service_level: serviceLevel, from, to } = wanted;
  const filter: Omit<ListCommandsApiArg, 'limit'> = {
    id,
    ...(state ? { state } : {}),
    ...(wanted.due ? { due: true } : {}),
    ...(serviceLevel ? { serviceLevel } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
  const pages = usePages(settingsApi.endpoints.listCommands, { limit: pageSize, ...filter });
  const totals = settingsApi.endpoints.getCommandTotals.useQuery(filter).data;
  return (
    <CarriedRows wanted={wanted} set={set} names="stream.by" families={families} totals={totals && t('stream.commandCount', { count: totals.count, units: totals.units })}>
      <Listing
        title={t('stream.commands')}
        icon={Cable}
        empty={t('stream.noCommands')}
        pages={pages}
        action={<StatusSelect label={t('filter.status')} statuses={states} family="commandState" value={states.find((one) => one === state)} onChange={(next) => set({ ...wanted, state: next })} />}
        columns={[t('stream.position'), t('queue.what'), t('filter.status'), t('stream.due'), t('unit.acknowledged'), { name: t('stream.rounds'), end: true }]}
        row={(command) => (
          <tr key={command.position}>
            <td className="num">{command.position}</td>
            <td>
              {word('command', command.kind)}: {formatCount(command.size, locale)}
            </td>
            <td>
              <span className={`badge badge--${looks[command.state] ?? 'info'}`}>{word('commandState', command.state)}</span>
              {command.error && <div className="small muted anywhere">{failureInWords(command.error, { t })}</div>}
            </td>
            <td>
              <Instant at={command.due_at} />
            </td>
            <td>
              <Instant at={command.acknowledged_at} />
            </td>
            <td className="end num">{formatCount(command.attempts, locale)}</td>
          </tr>
        )}
      />
    </CarriedRows>
  );
}
