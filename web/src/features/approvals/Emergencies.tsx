import { nanoid } from '@reduxjs/toolkit';
import { Siren } from 'lucide-react';
import { useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import type { Emergency } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useAppSelector, useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Actor } from '../../shared/ui/Actor';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Instant } from '../../shared/ui/Values';
import { approvalsApi } from './approvalsApi';

const looks: Record<string, string> = { justified: 'ok', not_justified: 'danger' };

/** Times in which somebody needed no approval: who, why, what was done, and what another person found (OPS-04). */
export function Emergencies() {
  const { t, word } = useTranslation();
  const can = useCan();
  const me = useAppSelector((root) => root.session.session?.actor_id);
  const navigate = useNavigate();
  const toast = useToast();
  const pages = usePages(approvalsApi.endpoints.listEmergencies, { limit: 25 });
  const [isStarting, setStarting] = useState(false);
  const [reviewed, setReviewed] = useState<Emergency>();
  const [end, ending] = approvalsApi.endpoints.endEmergency.useMutation();
  const stop = async ({ id }: Emergency) => {
    const answer = await end({ id, 'Idempotency-Key': `web-${nanoid()}` });
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('emergency.ended'));
  };
  return (
    <section className="stack stack--tight" aria-label={t('emergency.title')}>
      {can('approvals.emergency') && (
        <div>
          <Button look="danger" icon={Siren} onClick={() => setStarting(true)}>
            {t('emergency.start')}
          </Button>
        </div>
      )}
      {pages.isLoading ? (
        <Skeletons lines={6} />
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <div className="card">
          <EmptyState icon={Siren} title={t('emergency.none')} text={t('emergency.none.text')} />
        </div>
      ) : (
        pages.rows.map((one) => (
          <article className="card" key={one.id} aria-label={one.reason}>
            <div className="card__head">
              <div className="row">
                <h2 className="anywhere">
                  <Actor id={one.actor} />
                </h2>
                <span className={`badge badge--${one.is_running ? 'danger' : (looks[one.finding ?? ''] ?? 'warn')}`}>
                  {one.is_running ? t('emergency.isRunning') : one.finding ? word('finding', one.finding) : t('emergency.unreviewed')}
                </span>
              </div>
              <div className="row">
                {one.executed > 0 && (
                  <Button size="small" onClick={() => void navigate(`/approvals?state=all&emergency_id=${one.id}`)}>
                    {t('emergency.executed', { count: one.executed })}
                  </Button>
                )}
                {one.is_running && (one.actor === me || can('approvals.decide')) && (
                  <Button size="small" busy={ending.isLoading} onClick={() => stop(one)}>
                    {t('emergency.end')}
                  </Button>
                )}
                {!one.is_running && !one.finding && one.actor !== me && can('approvals.decide') && (
                  <Button size="small" look="primary" onClick={() => setReviewed(one)}>
                    {t('emergency.review')}
                  </Button>
                )}
              </div>
            </div>
            <div className="card__body stack stack--tight">
              <p className="anywhere">{one.reason}</p>
              <p className="small muted">
                <Instant at={one.started_at} /> – <Instant at={one.ended_at ?? one.ends_at} />
              </p>
              {one.finding && (
                <p className="small anywhere">
                  {word('finding', one.finding)}: {one.note} · <code>{one.reviewed_by}</code> <Instant at={one.reviewed_at} />
                </p>
              )}
            </div>
          </article>
        ))
      )}
      {pages.hasMore && (
        <div>
          <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
            {t('action.loadMore')}
          </Button>
        </div>
      )}
      {isStarting && <StartDialog onClose={() => setStarting(false)} />}
      {reviewed && <ReviewDialog emergency={reviewed} onClose={() => setReviewed(undefined)} />}
    </section>
  );
}

const lengths = [15, 30, 60, 120, 240];

function StartDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [reason, setReason] = useState('');
  const [minutes, setMinutes] = useState(30);
  const [failure, setFailure] = useState<string>();
  const [start, { isLoading }] = approvalsApi.endpoints.startEmergency.useMutation();
  const run = async () => {
    const answer = await start({ 'Idempotency-Key': key.current, emergencyWanted: { reason: reason.trim(), minutes } });
    if (answer.error) {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('info', t('emergency.started'));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t('emergency.start')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" busy={isLoading} onClick={run}>
            {t('emergency.start')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{t('emergency.text')}</p>
        <Field label={t('emergency.reason')}>
          <textarea className="input" rows={3} maxLength={2000} value={reason} data-autofocus onChange={(event) => setReason(event.target.value)} />
        </Field>
        <Field label={t('emergency.length')}>
          <select className="input" value={minutes} onChange={(event) => setMinutes(Number(event.target.value))}>
            {lengths.map((one) => (
              <option key={one} value={one}>
                {t('emergency.minutes', { count: one })}
              </option>
            ))}
          </select>
        </Field>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}

function ReviewDialog({ emergency, onClose }: { emergency: Emergency; onClose: () => void }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [finding, setFinding] = useState('justified');
  const [reason, setReason] = useState('');
  const [failure, setFailure] = useState<string>();
  const [review, { isLoading }] = approvalsApi.endpoints.reviewEmergency.useMutation();
  const run = async () => {
    const answer = await review({ id: emergency.id, 'Idempotency-Key': key.current, reviewWanted: { finding, reason: reason.trim() } });
    if (answer.error) {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t('emergency.reviewed'));
    onClose();
  };
  return (
    <Dialog
      title={t('emergency.review')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isLoading} onClick={run}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p className="anywhere">{emergency.reason}</p>
        <Field label={t('emergency.finding')}>
          <select className="input" value={finding} onChange={(event) => setFinding(event.target.value)}>
            {['justified', 'not_justified'].map((one) => (
              <option key={one} value={one}>
                {word('finding', one)}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t('approval.note')}>
          <textarea className="input" rows={3} maxLength={2000} value={reason} data-autofocus onChange={(event) => setReason(event.target.value)} />
        </Field>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
