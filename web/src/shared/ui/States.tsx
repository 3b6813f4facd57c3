import { CircleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { messageOf, problemOf, type QueryFailure } from '../api/problem';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';

/** What is shown where nothing is; says why, and what to do. */
export function EmptyState(props: { icon: LucideIcon; title: string; text?: ReactNode; action?: ReactNode; isPage?: boolean }) {
  const { icon: Icon } = props;
  return (
    <div className="empty">
      <Icon className="empty__art" strokeWidth={1.4} aria-hidden />
      {props.isPage ? <h1>{props.title}</h1> : <h2>{props.title}</h2>}
      {props.text && <p>{props.text}</p>}
      {props.action}
    </div>
  );
}

/** What is shown where something failed to load. */
export function ErrorState(props: { error: QueryFailure | undefined; onRetry?: () => unknown }) {
  const { t } = useTranslation();
  const request = problemOf(props.error)?.request_id;
  return (
    <div className="empty" role="alert">
      <CircleAlert className="empty__art" strokeWidth={1.4} aria-hidden />
      <h2>{t('error.title')}</h2>
      <p>{messageOf(props.error, t)}</p>
      {request && <p className="small mono">{t('error.request', { id: request })}</p>}
      {props.onRetry && <Button onClick={props.onRetry}>{t('action.retry')}</Button>}
    </div>
  );
}

/** Grey lines in the place of rows to come. */
export function Skeletons(props: { lines: number }) {
  const { t } = useTranslation();
  return (
    <div className="stack" role="status" aria-label={t('app.loading')}>
      {Array.from({ length: props.lines }, (_, line) => (
        <span key={line} className="skeleton" style={{ width: `${90 - ((line * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

export function Note(props: { kind?: 'info' | 'warn' | 'danger' | 'ok'; icon: LucideIcon; children: ReactNode }) {
  const { icon: Icon } = props;
  return (
    <div className={`note note--${props.kind ?? 'info'}`}>
      <Icon className="icon" aria-hidden />
      <div className="grow anywhere">{props.children}</div>
    </div>
  );
}
