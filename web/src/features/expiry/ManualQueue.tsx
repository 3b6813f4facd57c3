import { ListChecks, RotateCcw, X } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { useAddress } from '../../shared/lib/useAddress';
import { failureInWords } from '../../shared/lib/failure';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import { Scrollable } from '../../shared/ui/Scrollable';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Ago } from '../../shared/ui/Values';
import { expiryApi } from './expiryApi';

const states = ['open', 'retried', 'done', 'dropped'] as const;
type Asked = 'assign' | 'done' | 'drop';

/** What partners could not be told, and what people do about it, one by one or many at once (EXP-15). */
export function ManualQueue() {
  const { t, word, locale } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const [state, setState] = useState<(typeof states)[number]>('open');
  const [chosen, setChosen] = useState<string[]>([]);
  const [asked, setAsked] = useState<Asked>();
  const [params, setParams] = useAddress();
  const connector = params.get('connector');
  const pages = usePages(expiryApi.endpoints.listConnectorTasks, { limit: 25, sort: '-created_at' as const, state, ...(connector ? { connectorId: connector } : {}) });
  const [act] = expiryApi.endpoints.actOnConnectorTasks.useMutation();
  const mayWork = can('connectors.work') && state === 'open';
  const shown = pages.rows.map(({ id }) => id);
  const picked = chosen.filter((id) => shown.includes(id));
  const retry = async () => {
    const answer = await act({ 'Idempotency-Key': `web-${nanoid()}`, taskAction: { action: 'retry', ids: picked } });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    toast('success', t('queue.changed', { count: answer.data.changed }));
    setChosen([]);
  };
  return (
    <section className="card" aria-labelledby="queue">
      <div className="card__head">
        <h2 id="queue">{t('queue.title')}</h2>
        {connector && (
          <Button size="small" icon={X} onClick={() => setParams({})}>
            {t('queue.allPartners')}
          </Button>
        )}
        <select className="input filters__select" aria-label={t('queue.state')} value={state} onChange={(event) => setState(event.target.value as typeof state)}>
          {states.map((one) => (
            <option key={one} value={one}>
              {word('taskState', one)}
            </option>
          ))}
        </select>
      </div>
      {pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.isLoading ? (
        <div className="card__body">
          <Skeletons lines={3} />
        </div>
      ) : pages.rows.length === 0 ? (
        <EmptyState icon={ListChecks} title={t('queue.empty')} text={t('queue.empty.text')} />
      ) : (
        <Scrollable labelledBy="queue">
          <table className="simple-table">
            <thead>
              <tr>
                {mayWork && (
                  <th scope="col">
                    <input type="checkbox" aria-label={t('table.selectAll')} checked={picked.length === shown.length} onChange={(event) => setChosen(event.target.checked ? shown : [])} />
                  </th>
                )}
                <th scope="col">{t('expiry.partner')}</th>
                <th scope="col">{t('queue.what')}</th>
                <th scope="col">{t('queue.cause')}</th>
                <th scope="col">{t('queue.assignee')}</th>
                <th scope="col">{t('queue.since')}</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((task) => (
                <tr key={task.id}>
                  {mayWork && (
                    <td>
                      <input
                        type="checkbox"
                        aria-label={t('table.select', { name: `${task.connector_name} ${task.position}` })}
                        checked={chosen.includes(task.id)}
                        onChange={(event) => setChosen(event.target.checked ? [...chosen, task.id] : chosen.filter((one) => one !== task.id))}
                      />
                    </td>
                  )}
                  <td>
                    <bdi>{task.connector_name}</bdi>
                    {task.contact && <div className="muted small">{task.contact}</div>}
                  </td>
                  <td>
                    {word('command', task.kind)}: {formatCount(task.count, locale)}
                    {task.instructions && <div className="muted small">{task.instructions}</div>}
                  </td>
                  <td className="small anywhere">{task.cause && failureInWords(task.cause, { t })}</td>
                  <td className="small anywhere">
                    {task.assignee}
                    {task.evidence && <div className="muted">{task.evidence}</div>}
                  </td>
                  <td className="small">
                    <Ago at={task.created_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
      {(picked.length > 0 || pages.hasMore) && (
        <div className="card__body row">
          {picked.length > 0 && mayWork && (
            <>
              <Button look="primary" icon={RotateCcw} onClick={retry}>
                {t('queue.retry', { count: picked.length })}
              </Button>
              <Button onClick={() => setAsked('assign')}>{t('queue.assign')}</Button>
              <Button onClick={() => setAsked('done')}>{t('queue.done')}</Button>
              <Button onClick={() => setAsked('drop')}>{t('queue.drop')}</Button>
            </>
          )}
          {pages.hasMore && (
            <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
              {t('action.loadMore')}
            </Button>
          )}
        </div>
      )}
      {asked && (
        <ActDialog
          asked={asked}
          ids={picked}
          onClose={(isDone) => {
            setAsked(undefined);
            if (isDone) setChosen([]);
          }}
        />
      )}
    </section>
  );
}

/** To whom, how it was settled, or why it is let go: nothing is closed without a word. */
function ActDialog({ asked, ids, onClose }: { asked: Asked; ids: string[]; onClose: (isDone: boolean) => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [text, setText] = useState('');
  const [failure, setFailure] = useState<string>();
  const [act, { isLoading }] = expiryApi.endpoints.actOnConnectorTasks.useMutation();
  const run = async () => {
    if (!text.trim()) {
      setFailure(t('rule.required'));
      return;
    }

    const said = asked === 'assign' ? { assignee: text.trim() } : { evidence: text.trim() };
    const answer = await act({ 'Idempotency-Key': key.current, taskAction: { action: asked, ids, ...said } });
    if (answer.error) {
      // Of what got no answer it is not known whether it happened: the next try is the same request.
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t('queue.changed', { count: answer.data.changed }));
    onClose(true);
  };
  return (
    <Dialog
      title={t(`queue.${asked}.title`, { count: ids.length })}
      onClose={() => onClose(false)}
      foot={
        <>
          <Button onClick={() => onClose(false)}>{t('action.cancel')}</Button>
          <Button look={asked === 'drop' ? 'danger' : 'primary'} busy={isLoading} onClick={run}>
            {t(`queue.${asked}`)}
          </Button>
        </>
      }
    >
      <Field label={t(`queue.${asked}.label`)} error={failure}>
        {asked === 'assign' ? (
          <input className="input" value={text} maxLength={100} data-autofocus onChange={(event) => setText(event.target.value)} />
        ) : (
          <textarea className="input" rows={3} value={text} maxLength={2000} data-autofocus onChange={(event) => setText(event.target.value)} />
        )}
      </Field>
    </Dialog>
  );
}
