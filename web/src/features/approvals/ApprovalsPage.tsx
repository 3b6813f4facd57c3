import { Check, ClipboardCheck, X } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import type { Approval } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useAppSelector, useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { Actor } from '../../shared/ui/Actor';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Data } from '../../shared/ui/EventEntry';
import { Field, FieldError } from '../../shared/ui/Field';
import { LoadMore } from '../../shared/ui/Paged';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Instant } from '../../shared/ui/Values';
import { Emergencies } from './Emergencies';
import { approvalsApi } from './approvalsApi';
import { effectInWords } from './effectInWords';

const states = ['pending', 'executed', 'rejected', 'withdrawn', 'expired', 'void'] as const;
const looks: Record<string, string> = { pending: 'info', executed: 'ok', rejected: 'danger', void: 'warn', expired: 'plum' };
type Verb = 'approve' | 'reject' | 'withdraw';

/** What waits for a second person (OPS-03): what it would do, why, and the decision, bound to what was shown. */
export function ApprovalsPage() {
  const { t, word } = useTranslation();
  const { id } = useParams();
  const [params, setParams] = useAddress();
  const state = states.find((one) => one === params.get('state')) ?? (params.get('state') === 'all' ? undefined : 'pending');
  const showsEmergencies = params.get('emergencies') !== null;
  const emergencyId = params.get('emergency_id');
  const pages = usePages(
    approvalsApi.endpoints.listApprovals,
    { limit: 25, ...(state ? { state } : {}), ...(emergencyId ? { emergencyId } : {}) },
    id !== undefined || showsEmergencies,
  );
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.approvals')}</h1>
          <p>{t('approvals.text')}</p>
        </div>
        {!showsEmergencies && <select className="input filters__select" aria-label={t('filter.status')} value={state ?? 'all'} onChange={(event) => setParams({ state: event.target.value })}>
          <option value="all">{t('operations.anyStatus')}</option>
          {states.map((one) => (
            <option key={one} value={one}>
              {word('approvalState', one)}
            </option>
          ))}
        </select>}
      </header>
      <nav className="tabs" aria-label={t('nav.approvals')}>
        <Link className="tab" to="/approvals" aria-current={showsEmergencies ? undefined : 'page'}>
          {t('nav.approvals')}
        </Link>
        <Link className="tab" to="/approvals?emergencies=1" aria-current={showsEmergencies ? 'page' : undefined}>
          {t('emergency.title')}
        </Link>
      </nav>
      {showsEmergencies ? (
        <Emergencies />
      ) : id ? (
        <One id={id} />
      ) : pages.isLoading ? (
        <Skeletons lines={8} />
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <div className="card">
          <EmptyState icon={ClipboardCheck} title={t('approvals.empty')} text={t('approvals.empty.text')} />
        </div>
      ) : (
        <div className="stack stack--tight">
          {pages.rows.map((approval) => (
            <Card key={approval.id} approval={approval} />
          ))}
          <LoadMore pages={pages} />
        </div>
      )}
    </div>
  );
}

function One({ id }: { id: string }) {
  const { data, error, refetch } = approvalsApi.endpoints.getApproval.useQuery({ id });
  return data ? <Card approval={data} /> : error ? <ErrorState error={error} onRetry={refetch} /> : <Skeletons lines={6} />;
}

function Card({ approval }: { approval: Approval }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const actor = useAppSelector((root) => root.session.session?.actor_id);
  const [asked, setAsked] = useState<Verb>();
  const isMine = approval.requested_by === actor;
  return (
    <article className="card" aria-label={`${word('approvalKind', approval.kind)} ${approval.subject}`}>
      <div className="card__head">
        <div className="row">
          <h2>{word('approvalKind', approval.kind)}</h2>
          <span className={`badge badge--${looks[approval.state] ?? 'neutral'}`}>{word('approvalState', approval.state)}</span>
          <code className="anywhere small">{approval.subject}</code>
        </div>
        {approval.state === 'pending' && (
          <div className="row">
            {isMine && can('approvals.request') && (
              <Button size="small" onClick={() => setAsked('withdraw')}>
                {t('approval.withdraw')}
              </Button>
            )}
            {!isMine && can('approvals.decide') && (
              <>
                <Button size="small" icon={X} onClick={() => setAsked('reject')}>
                  {t('approval.reject')}
                </Button>
                <Button size="small" look="primary" icon={Check} onClick={() => setAsked('approve')}>
                  {t('approval.approve')}
                </Button>
              </>
            )}
          </div>
        )}
      </div>
      <div className="card__body stack stack--tight">
        <p className="anywhere">{approval.reason}</p>
        <Effect kind={approval.kind} effect={approval.effect} />
        <dl className="facts">
          <Fact name={t('approval.by')}>
            <Actor id={approval.requested_by} />
          </Fact>
          <Fact name={t('approval.at')}>
            <Instant at={approval.requested_at} />
          </Fact>
          {approval.state === 'pending' && (
            <Fact name={t('approval.expires')}>
              <Instant at={approval.expires_at} />
            </Fact>
          )}
          {approval.decided_by && (
            <Fact name={t('approval.decidedBy')}>
              <Actor id={approval.decided_by} /> <Instant at={approval.decided_at} />
            </Fact>
          )}
          {approval.note && <Fact name={t('approval.note')}>{approval.note}</Fact>}
        </dl>
      </div>
      {asked && <DecideDialog approval={approval} verb={asked} onClose={() => setAsked(undefined)} />}
    </article>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="facts__pair">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What it would do, as the server computed it when it was asked for. */
function Effect({ kind, effect }: { kind: string; effect: unknown }) {
  const translation = useTranslation();
  const { t } = translation;
  const words = effectInWords(kind, effect, translation);
  return (
    <section className="stack stack--tight" aria-label={t('approval.effect')}>
      <h3 className="small muted">{t('approval.effect')}</h3>
      {words && <p className="anywhere">{words}</p>}
      <Data data={(effect ?? {}) as Record<string, unknown>} />
      <details className="small">
        <summary className="muted">{t('approval.exactly')}</summary>
        {/* Scrollable, so reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre className="effect" tabIndex={0} role="group" aria-label={t('approval.exactly')}>
          {JSON.stringify(effect, null, 2)}
        </pre>
      </details>
    </section>
  );
}

function DecideDialog({ approval, verb, onClose }: { approval: Approval; verb: Verb; onClose: () => void }) {
  const translation = useTranslation();
  const { t } = translation;
  const words = effectInWords(approval.kind, approval.effect, translation);
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [note, setNote] = useState('');
  const [failure, setFailure] = useState<string>();
  const [approve, approving] = approvalsApi.endpoints.approveApproval.useMutation();
  const [reject, rejecting] = approvalsApi.endpoints.rejectApproval.useMutation();
  const [withdraw, withdrawing] = approvalsApi.endpoints.withdrawApproval.useMutation();
  const run = async () => {
    const common = { id: approval.id, 'Idempotency-Key': key.current };
    const said = note.trim() || null;
    const answer =
      verb === 'approve'
        ? await approve({ ...common, approveWanted: { effect_hash: approval.effect_hash, note: said } })
        : await (verb === 'reject' ? reject : withdraw)({ ...common, refuseWanted: { note: said } });
    if (answer.error) {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t(`approval.${verb}.done`));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t(`approval.${verb}.title`)}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look={verb === 'approve' ? 'primary' : 'danger'} busy={approving.isLoading || rejecting.isLoading || withdrawing.isLoading} onClick={run}>
            {t(`approval.${verb}`)}
          </Button>
        </>
      }
    >
      <div className="stack">
        {words && <p className="anywhere">{words}</p>}
        <p className="anywhere">{approval.reason}</p>
        <Field label={t('approval.note')}>
          <textarea className="input" rows={2} maxLength={2000} value={note} data-autofocus onChange={(event) => setNote(event.target.value)} />
        </Field>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
