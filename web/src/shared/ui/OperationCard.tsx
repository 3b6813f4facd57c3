import { Ban, CircleAlert, CircleCheck, CirclePause, CirclePlay, Download, Hourglass, LoaderCircle, type LucideIcon } from 'lucide-react';
import { client, type View } from '../api/client.generated';
import { messageOf, type QueryFailure } from '../api/problem';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
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

/** Long work: how far it is, what came of it, and steering it (BLK-08). */
export function OperationCard({ operation }: { operation: View }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const [pause] = client.endpoints.pauseOperation.useMutation();
  const [resume] = client.endpoints.resumeOperation.useMutation();
  const [cancel] = client.endpoints.cancelOperation.useMutation();
  const { icon: Icon, look } = looks[operation.status] ?? { icon: Hourglass, look: 'neutral' };
  const share = operation.total ? Math.min(1, operation.done / operation.total) : operation.status === 'succeeded' ? 1 : 0;
  const steer = async (run: typeof pause) => {
    const answer = await run({ id: operation.id });
    if (answer.error) toast('failure', messageOf(answer.error as QueryFailure, t));
  };
  const label = word('operationKind', operation.kind);
  return (
    <article className="card card__body stack stack--tight" aria-label={`${label} ${operation.id}`}>
      <div className="row row--between">
        <div className="row">
          <h3>{label}</h3>
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
          {operation.error_count > 0 && <span className="text-danger"> · {t('operation.errors', { count: operation.error_count })}</span>}
        </span>
        <span className="row">
          {operation.error_count > 0 && (
            <a className="button button--small" href={operation.errors_url} download>
              <Download className="icon" aria-hidden />
              {t('operation.errorFile')}
            </a>
          )}
          {operation.status === 'succeeded' && operation.kind === 'generate_codes' && (
            <a className="button button--small" href={operation.output_url} download>
              <Download className="icon" aria-hidden />
              {t('operation.output')}
            </a>
          )}
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
