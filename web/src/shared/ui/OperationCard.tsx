import { Ban, CircleAlert, CircleCheck, CirclePause, CirclePlay, Download, Hourglass, LoaderCircle, Undo2, type LucideIcon } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import type { View } from '../api/client.generated';
import { operationsApi } from '../api/operations';
import { messageOf, type QueryFailure } from '../api/problem';
import { useCan } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { CouponName } from './SubjectName';
import { useToast } from './Toasts';
import { Ago } from './Values';

const looks: Record<string, { icon: LucideIcon; look: string }> = {
  pending: { icon: Hourglass, look: 'info' },
  running: { icon: LoaderCircle, look: 'info' },
  paused: { icon: CirclePause, look: 'warn' },
  succeeded: { icon: CircleCheck, look: 'ok' },
  failed: { icon: CircleAlert, look: 'danger' },
  cancelled: { icon: Ban, look: 'neutral' },
};

/** Whether an operation may still change by itself. */
export const isUnderWay = (operation: View) => operation.status === 'pending' || operation.status === 'running';

/** Kinds that leave a file to be fetched. */
const withOutput = ['codes', 'coupons_bulk', 'coupons_undo', 'campaign_undo', 'coupons_export', 'instances_bulk', 'instances_undo'];
/** What came of it, in the order it is told. */
const outcomes = ['created', 'updated', 'changed', 'unchanged', 'skipped', 'refused', 'rows'] as const;

/** Long work: how far it is, what came of it, and steering it (BLK-08). */
export function OperationCard({ operation }: { operation: View }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const [pause] = operationsApi.endpoints.pauseOperation.useMutation();
  const [resume] = operationsApi.endpoints.resumeOperation.useMutation();
  const [cancel] = operationsApi.endpoints.cancelOperation.useMutation();
  const { icon: Icon, look } = looks[operation.status] ?? { icon: Hourglass, look: 'neutral' };
  const share = operation.total ? Math.min(1, operation.done / operation.total) : operation.status === 'succeeded' ? 1 : 0;
  const steer = async (run: typeof pause) => {
    const answer = await run({ id: operation.id });
    if (answer.error) toast('failure', messageOf(answer.error as QueryFailure, t));
  };
  const can = useCan();
  const label = operation.action ? word('operationAction', operation.action) : word('operationKind', operation.kind);
  const result = (operation.result ?? {}) as Record<string, unknown>;
  const told = outcomes.filter((name) => typeof result[name] === 'number' && result[name] !== 0);
  const isOver = !isUnderWay(operation) && operation.status !== 'paused';
  const isUndoable = isOver && can('coupons.bulk') && !operation.undone_by && operation.undo_until !== null && new Date(operation.undo_until) > new Date();
  return (
    <article className="card card__body stack stack--tight" aria-label={`${label} ${operation.id}`}>
      <div className="row row--between">
        <div className="row">
          <h2 className="operation__title">{label}</h2>
          {operation.coupon_id !== null && <CouponName id={operation.coupon_id} />}
          <span className={`badge badge--${look}`}>
            <Icon className="icon" aria-hidden />
            {word('operationStatus', operation.status)}
          </span>
        </div>
        <span className="muted small">
          <Ago at={operation.created_at} />
        </span>
      </div>
      <div className="progress" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
        <span className="meter">
          <span className="meter__fill" style={{ width: `${share * 100}%` }} />
        </span>
      </div>
      <div className="row row--between">
        <span className="small num">
          {operation.total === null ? t('operation.done', { count: operation.done }) : t('operation.doneOf', { done: operation.done, total: operation.total })}
          {told.map((name) => ` · ${t(`operation.result.${name}`, { count: result[name] as number })}`)}
          {operation.error_count > 0 && <span className="text-danger"> · {t('operation.errors', { count: operation.error_count })}</span>}
          {operation.undone_by && <span className="muted"> · {t('operation.undone')}</span>}
        </span>
        <span className="row">
          {operation.error_count > 0 && (
            <a
              className="button button--small"
              href={operation.kind === 'import' ? `/api/v1/admin/coupons/import/${operation.id}/refused` : operation.errors_url}
              download
            >
              <Download className="icon" aria-hidden />
              {t(operation.kind === 'import' ? 'operation.refusedRows' : 'operation.errorFile')}
            </a>
          )}
          {operation.status === 'succeeded' && withOutput.includes(operation.kind) && (
            <a className="button button--small" href={operation.output_url} download>
              <Download className="icon" aria-hidden />
              {t(operation.kind === 'coupons_export' ? 'operation.download' : 'operation.output')}
            </a>
          )}
          {isUndoable && <UndoButton operation={operation} label={label} />}
          {isUnderWay(operation) && (
            <Button size="small" icon={CirclePause} onClick={() => steer(pause)}>
              {t('operation.pause')}
            </Button>
          )}
          {operation.status === 'paused' && (
            <Button size="small" icon={CirclePlay} onClick={() => steer(resume)}>
              {t('operation.resume')}
            </Button>
          )}
          {(isUnderWay(operation) || operation.status === 'paused') && (
            <Button size="small" icon={Ban} onClick={() => steer(cancel)}>
              {t('operation.cancel')}
            </Button>
          )}
        </span>
      </div>
    </article>
  );
}

/** Undoing names what and how many, and says what it leaves alone (BLK-07). */
function UndoButton({ operation, label }: { operation: View; label: string }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [isAsking, setAsking] = useState(false);
  const [undo, { isLoading }] = operationsApi.endpoints.undoOperation.useMutation();
  const run = async () => {
    const answer = await undo({ id: operation.id, 'Idempotency-Key': key.current });
    setAsking(false);
    if (answer.error) toast('failure', messageOf(answer.error as QueryFailure, t));
    else toast('info', t('operation.undo.begun', { count: answer.data.items }));
  };
  return (
    <>
      <Button size="small" icon={Undo2} onClick={() => setAsking(true)}>
        {t('operation.undo')}
      </Button>
      {isAsking && (
        <Dialog
          alert
          title={t('operation.undo.title', { what: label })}
          onClose={() => setAsking(false)}
          foot={
            <>
              <Button onClick={() => setAsking(false)}>{t('action.cancel')}</Button>
              <Button look="primary" icon={Undo2} busy={isLoading} onClick={run}>
                {t('operation.undo')}
              </Button>
            </>
          }
        >
          <p>{t('operation.undo.text')}</p>
        </Dialog>
      )}
    </>
  );
}
