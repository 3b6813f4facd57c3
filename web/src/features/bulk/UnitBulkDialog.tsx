import { nanoid } from '@reduxjs/toolkit';
import { UserRoundCheck } from 'lucide-react';
import { useRef, useState } from 'react';
import { Link } from 'react-router';
import { client, type UnitPreviewWanted } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { decimalsOf } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { FollowedOperation } from '../../shared/ui/FollowedOperation';
import { Note } from '../../shared/ui/States';
import { BulkEffect } from './BulkEffect';

const leastReason = 10;
const overrides = ['redeemed', 'former', 'paid', 'refunded'] as const;
const endings = ['cancelled', 'revoked'] as const;
const causes = ['merchant_support', 'wrong_redemption', 'payment_dispute', 'technical_fault'] as const;

/** Of these the undo makes units live again, which it may only before their end. */
const bringsBack = new Set<string>(['paid', 'refunded', 'cancelled', 'revoked']);

type To = (typeof overrides)[number] | (typeof endings)[number];
type Selection = UnitPreviewWanted['selection'];

interface Entered {
  to: To;
  cause: (typeof causes)[number];
  list: string;
  at: string;
  reference: string;
  order: string;
  discount: string;
  currency: string;
  reason: string;
}

/** A change of the state of many units (BLK-05): of those chosen, or of a list; its effect first, then the run. */
export function UnitBulkDialog({ selection, onClose }: { selection: Selection | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const key = useRef(`web-${nanoid()}`);
  const mayOverride = can('instances.override');
  const [entered, setEntered] = useState<Entered>({
    to: mayOverride ? 'redeemed' : 'cancelled',
    cause: 'merchant_support',
    list: '',
    at: '',
    reference: '',
    order: '',
    discount: '',
    currency: 'EUR',
    reason: '',
  });
  const [failure, setFailure] = useState<string>();
  const [look, { data: preview, isLoading, reset }] = client.endpoints.previewUnitChange.useMutation();
  const [request, { isLoading: isSending, data: taken }] = client.endpoints.requestUnitChange.useMutation();
  const wanted = wantedOf(entered, selection);
  const change = (next: Partial<Entered>) => {
    setFailure(undefined);
    setEntered({ ...entered, ...next });
  };
  const see = async () => {
    setFailure(undefined);
    const answer = await look({ unitPreviewWanted: wanted });
    if (answer.error) setFailure(messageOf(answer.error, t));
  };
  const run = async () => {
    const body = { ...wanted, reason: entered.reason.trim(), ...(preview ? { matching: preview.matching } : {}) };
    const answer = await request({ 'Idempotency-Key': key.current, unitChangeWanted: body });
    // What was refused did not happen: the next try is another request.
    if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
    setFailure(answer.error ? messageOf(answer.error, t) : undefined);
    if (problemOf(answer.error)?.code === 'selection_changed') await see();
  };
  const title = t('unitBulk.title');
  if (taken) {
    return (
      <Dialog title={title} onClose={onClose} foot={<Button onClick={onClose}>{t('action.close')}</Button>}>
        {taken.operation_id ? (
          <FollowedOperation id={taken.operation_id} />
        ) : (
          <Note kind="warn" icon={UserRoundCheck}>
            {t('bulk.waits')} <Link to={`/approvals/${taken.approval_id}`}>{t('bulk.toApproval')}</Link>
          </Note>
        )}
      </Dialog>
    );
  }

  return (
    <Dialog
      title={title}
      look="wide"
      onClose={onClose}
      foot={
        <>
          {preview && <Button onClick={reset}>{t('bulk.back')}</Button>}
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          {preview ? (
            <Button look="primary" busy={isSending} disabled={preview.changing === 0 || entered.reason.trim().length < leastReason} onClick={run}>
              {preview.needs_approval ? t('bulk.ask') : t('bulk.run.edit', { count: preview.changing })}
            </Button>
          ) : (
            <Button look="primary" busy={isLoading} disabled={!selection && entered.list.trim() === ''} onClick={see}>
              {t('bulk.preview')}
            </Button>
          )}
        </>
      }
    >
      <div className="stack">
        {failure && <FieldError text={failure} />}
        {preview ? (
          <>
            <BulkEffect preview={preview} />
            {preview.needs_approval && (
              <Note kind="warn" icon={UserRoundCheck}>
                {t('unitBulk.needsApproval')}
              </Note>
            )}
            <Field label={t('bulk.reason')} hint={t('bulk.reason.hint', { count: leastReason })}>
              <textarea className="input" rows={2} maxLength={500} value={entered.reason} onChange={(event) => change({ reason: event.target.value })} />
            </Field>
            <p className="muted small">{t(bringsBack.has(entered.to) ? 'unitBulk.undoableOpen' : 'unitBulk.undoable', { count: preview.undo_days })}</p>
          </>
        ) : (
          <Choice entered={entered} change={change} isList={!selection} mayOverride={mayOverride} />
        )}
      </div>
    </Dialog>
  );
}

/** What is to become of them, and of which where they come from a list. */
function Choice({ entered, change, isList, mayOverride }: { entered: Entered; change: (next: Partial<Entered>) => void; isList: boolean; mayOverride: boolean }) {
  const { t } = useTranslation();
  const isOverride = isOverriding(entered.to);
  return (
    <>
      {isList && <ListField list={entered.list} onChange={(list) => change({ list })} />}
      <div className="form-grid">
        <Field label={t('unitBulk.to')} hint={t(`unitBulk.to.${entered.to}.text`)}>
          <select className="input" value={entered.to} onChange={(event) => change({ to: event.target.value as To })}>
            {(mayOverride ? [...overrides, ...endings] : endings).map((to) => (
              <option key={to} value={to}>
                {t(`unitBulk.to.${to}`)}
              </option>
            ))}
          </select>
        </Field>
        {isOverride && (
          <Field label={t('unitBulk.cause')}>
            <select className="input" value={entered.cause} onChange={(event) => change({ cause: event.target.value as Entered['cause'] })}>
              {causes.map((cause) => (
                <option key={cause} value={cause}>
                  {t(`overrideCause.${cause}`)}
                </option>
              ))}
            </select>
          </Field>
        )}
      </div>
      {entered.to === 'redeemed' && <TookPlace entered={entered} change={change} isList={isList} />}
    </>
  );
}

/** What counts for every redemption that is recorded; a line of a list may say more. */
function TookPlace({ entered, change, isList }: { entered: Entered; change: (next: Partial<Entered>) => void; isList: boolean }) {
  const { t } = useTranslation();
  return (
    <fieldset className="plain-fieldset stack stack--tight">
      <legend className="field__label">{t('unitBulk.tookPlace')}</legend>
      {isList && <p className="muted small">{t('unitBulk.tookPlace.list')}</p>}
      <div className="form-grid">
        <Field label={t('unitBulk.at')}>
          <input className="input" type="datetime-local" value={entered.at} onChange={(event) => change({ at: event.target.value })} />
        </Field>
        <Field label={t('unitBulk.reference')} hint={t('unitBulk.reference.hint')}>
          <input className="input" maxLength={100} autoComplete="off" value={entered.reference} onChange={(event) => change({ reference: event.target.value })} />
        </Field>
        <Field label={t('unitBulk.order')}>
          <input className="input num" inputMode="decimal" autoComplete="off" value={entered.order} onChange={(event) => change({ order: event.target.value })} />
        </Field>
        <Field label={t('unitBulk.discount')}>
          <input className="input num" inputMode="decimal" autoComplete="off" value={entered.discount} onChange={(event) => change({ discount: event.target.value })} />
        </Field>
        <Field label={t('unitBulk.currency')}>
          <input className="input" maxLength={3} autoComplete="off" value={entered.currency} onChange={(event) => change({ currency: event.target.value.toUpperCase() })} />
        </Field>
      </div>
    </fieldset>
  );
}

/** Codes, one a line, typed or from a file; with a header where there is more than codes. */
function ListField({ list, onChange }: { list: string; onChange: (list: string) => void }) {
  const { t } = useTranslation();
  return (
    <div className="stack stack--tight">
      <Field label={t('unitBulk.list')} hint={t('unitBulk.list.hint')}>
        <textarea className="input mono" rows={5} spellCheck={false} value={list} onChange={(event) => onChange(event.target.value)} />
      </Field>
      <Field label={t('unitBulk.file')}>
        <input
          className="input"
          type="file"
          accept=".csv,.txt"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) void file.text().then(onChange);
          }}
        />
      </Field>
    </div>
  );
}

const isOverriding = (to: To) => (overrides as readonly string[]).includes(to);

function wantedOf(entered: Entered, selection: Selection | undefined): UnitPreviewWanted {
  const { to, cause } = entered;
  return {
    to,
    selection: selection ?? { list: listOf(entered.list) },
    ...(isOverriding(to) ? { cause } : {}),
    ...(to === 'redeemed' ? { redemption: redemptionOf(entered) } : {}),
  };
}

/** A list without a header is one of codes. */
export function listOf(text: string) {
  const first = text.trimStart().split(/[\r\n,;]/, 1)[0]?.replaceAll('"', '').trim().toLowerCase() ?? '';
  return ['code', 'instance_id'].includes(first.replace('\uFEFF', '')) ? text : `code\n${text}`;
}

function redemptionOf({ at, reference, order, discount, currency }: Entered): NonNullable<UnitPreviewWanted['redemption']> {
  const money = (amount: string) => ({ amount: Math.round(Number(amount.replace(',', '.')) * 10 ** decimalsOf(currency)), currency });
  return {
    ...(at ? { redeemed_at: new Date(at).toISOString() } : {}),
    ...(reference.trim() ? { order_reference: reference.trim() } : {}),
    ...(order.trim() ? { order: money(order) } : {}),
    ...(discount.trim() ? { discount: money(discount) } : {}),
  };
}
