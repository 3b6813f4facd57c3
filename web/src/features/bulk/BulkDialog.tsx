import { nanoid } from '@reduxjs/toolkit';
import { TriangleAlert, UserRoundCheck } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { client, type BulkPreviewView, type BulkReason, type BulkSetShape } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { FollowedOperation } from '../../shared/ui/FollowedOperation';
import { Scrollable } from '../../shared/ui/Scrollable';
import { Note, Skeletons } from '../../shared/ui/States';
import { BulkEditFields, type BulkEdit } from './BulkEditFields';
import { shapeOf, type BulkAction, type Selection } from './selection';

const leastReason = 10;

/** A change of many: what it would do, then the run with its progress, stop and undo (BLK-06 to BLK-08). */
export function BulkDialog(props: { action: BulkAction; selection: Selection; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [edit, setEdit] = useState<BulkEdit>({});
  const [isReady, setReady] = useState(props.action !== 'edit');
  const [operation, setOperation] = useState<string>();
  const [approval, setApproval] = useState<string>();
  const close = () => {
    props.onClose();
    if (operation ?? approval) props.onDone();
  };
  const title = t(`bulk.title.${props.action}`);
  if (operation ?? approval) {
    return (
      <Dialog title={title} onClose={close} foot={<Button onClick={close}>{t('action.close')}</Button>}>
        {operation ? (
          <FollowedOperation id={operation} />
        ) : (
          <Note kind="warn" icon={UserRoundCheck}>
            {t('bulk.waits')} <Link to={`/approvals/${approval}`}>{t('bulk.toApproval')}</Link>
          </Note>
        )}
      </Dialog>
    );
  }

  return isReady ? (
    <Preview {...props} title={title} edit={edit} onBack={props.action === 'edit' ? () => setReady(false) : undefined} onTaken={setOperation} onWaits={setApproval} />
  ) : (
    <Dialog
      title={title}
      onClose={props.onClose}
      foot={
        <>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button look="primary" disabled={isEmpty(edit)} onClick={() => setReady(true)}>
            {t('bulk.preview')}
          </Button>
        </>
      }
    >
      <BulkEditFields edit={edit} onChange={setEdit} />
    </Dialog>
  );
}

const isEmpty = (edit: BulkEdit) => Object.keys(edit.set ?? {}).length === 0 && !edit.extend_days;

function Preview(props: {
  action: BulkAction;
  selection: Selection;
  title: string;
  edit: BulkEdit;
  onBack: (() => void) | undefined;
  onClose: () => void;
  onTaken: (operation: string) => void;
  onWaits: (approval: string) => void;
}) {
  const { t } = useTranslation();
  const key = useRef(`web-${nanoid()}`);
  const [look, { data, error, isLoading }] = client.endpoints.previewBulkChange.useMutation();
  const [request, { isLoading: isSending }] = client.endpoints.requestBulkChange.useMutation();
  const [failure, setFailure] = useState<string>();
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const wanted = { action: props.action, selection: shapeOf(props.selection), ...(props.edit as { set?: BulkSetShape; extend_days?: number }) };
  const ask = () => void look({ bulkPreviewWanted: wanted });
  // Asked once when it opens; after a refusal the person asks again.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  useEffect(ask, []);
  const run = async () => {
    if (!data) return;
    const body = { ...wanted, matching: data.matching, ...(reason ? { reason } : {}) };
    const answer = await request({ 'Idempotency-Key': key.current, bulkWanted: body });
    if (answer.data) {
      if (answer.data.operation_id) props.onTaken(answer.data.operation_id);
      else if (answer.data.approval_id) props.onWaits(answer.data.approval_id);
      return;
    }

    // What was refused did not happen: the next try is another request.
    if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
    setFailure(messageOf(answer.error, t));
    if (problemOf(answer.error)?.code === 'selection_changed') ask();
  };
  const isDelete = props.action === 'delete';
  const isConfirmed = !isDelete || typed.trim() === String(data?.changing ?? '');
  const hasReason = !data?.needs_approval || reason.trim().length >= leastReason;
  return (
    <Dialog
      title={props.title}
      alert={isDelete}
      onClose={props.onClose}
      foot={
        <>
          {props.onBack && <Button onClick={props.onBack}>{t('bulk.back')}</Button>}
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button
            look={isDelete ? 'danger' : 'primary'}
            busy={isSending}
            disabled={!data || isLoading || data.changing === 0 || !isConfirmed || !hasReason}
            onClick={run}
          >
            {data?.needs_approval ? t('bulk.ask') : t(`bulk.run.${props.action}`, { count: data?.changing ?? 0 })}
          </Button>
        </>
      }
    >
      <div className="stack">
        {failure && <FieldError text={failure} />}
        {error && (
          <div className="stack stack--tight">
            <FieldError text={messageOf(error, t)} />
            <div>
              <Button onClick={ask}>{t('action.retry')}</Button>
            </div>
          </div>
        )}
        {isLoading && <Skeletons lines={5} />}
        {data && !isLoading && (
          <>
            <Effect preview={data} />
            {data.needs_approval && (
              <>
                <Note kind="warn" icon={UserRoundCheck}>
                  {t('bulk.needsApproval')}
                </Note>
                <Field label={t('bulk.reason')} hint={t('bulk.reason.hint', { count: leastReason })}>
                  <textarea className="input" rows={2} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
                </Field>
              </>
            )}
            {isDelete && data.changing > 0 && (
              <Field label={t('bulk.typeNumber', { count: data.changing, plain: String(data.changing) })}>
                <input className="input" inputMode="numeric" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
              </Field>
            )}
            <p className="muted small">{t('bulk.undoable')}</p>
          </>
        )}
      </div>
    </Dialog>
  );
}

/** How many would change, stay, or be refused and why; then some of them by name. */
function Effect({ preview }: { preview: BulkPreviewView }) {
  const { t, word, locale } = useTranslation();
  const isEdit = preview.examples.some((one) => one.changes.some((change) => !['is_active', 'deleted_at'].includes(change.field)));
  return (
    <>
      <div className="figures figures--tight" role="status">
        {(['matching', 'changing', 'unchanged', 'refused'] as const).map((name) => (
          <div className="figure" key={name}>
            <span className="figure__label">{t(`bulk.count.${name}`)}</span>
            <span className="figure__value figure__value--small">{formatCount(preview[name], locale)}</span>
          </div>
        ))}
      </div>
      <Reasons title={t('bulk.reasons')} family="bulkReason" reasons={preview.reasons} />
      <Reasons title={t('bulk.warnings')} family="bulkWarning" reasons={preview.warnings} />
      {isEdit ? (
        <Scrollable label={t('bulk.examples')}>
          <table className="simple-table">
            <caption className="visually-hidden">{t('bulk.examples')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('column.code')}</th>
                <th scope="col">{t('conflict.field')}</th>
                <th scope="col">{t('bulk.before')}</th>
                <th scope="col">{t('bulk.after')}</th>
              </tr>
            </thead>
            <tbody>
              {preview.examples.flatMap((one) =>
                one.changes.map((change) => (
                  <tr key={`${one.id} ${change.field}`}>
                    <td className="anywhere">{one.code}</td>
                    <td>{word('bulkField', change.field)}</td>
                    <td>
                      <bdi>{change.before ?? '–'}</bdi>
                    </td>
                    <td>
                      <bdi>{change.after ?? '–'}</bdi>
                    </td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </Scrollable>
      ) : (
        <Codes codes={preview.examples.map((one) => one.code)} count={preview.changing} />
      )}
    </>
  );
}

function Reasons({ title, family, reasons }: { title: string; family: string; reasons: BulkReason[] }) {
  const { word, locale } = useTranslation();
  if (reasons.length === 0) return null;
  return (
    <Note kind="warn" icon={TriangleAlert}>
      <strong>{title}</strong>
      <ul className="plain-list">
        {reasons.map((reason) => (
          <li key={reason.code}>
            {formatCount(reason.count, locale)} · {word(family, reason.code)}: <span className="anywhere">{reason.examples.slice(0, 4).join(', ')}</span>
          </li>
        ))}
      </ul>
    </Note>
  );
}

function Codes({ codes, count }: { codes: string[]; count: number }) {
  const { t } = useTranslation();
  if (codes.length === 0) return null;
  return (
    <ul className="row">
      {codes.map((code) => (
        <li key={code} className="badge code-chip">
          {code}
        </li>
      ))}
      {count > codes.length && <li className="muted small">{t('bulk.andMore', { count: count - codes.length })}</li>}
    </ul>
  );
}
