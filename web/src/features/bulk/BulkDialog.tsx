import { nanoid } from '@reduxjs/toolkit';
import { UserRoundCheck } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { client, type BulkSetShape } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { FollowedOperation } from '../../shared/ui/FollowedOperation';
import { Note, Skeletons } from '../../shared/ui/States';
import { BulkEditFields, type BulkEdit } from './BulkEditFields';
import { BulkEffect } from './BulkEffect';
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
            <BulkEffect preview={data} />
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
            <p className="muted small">{t('bulk.undoable', { count: data.undo_days })}</p>
          </>
        )}
      </div>
    </Dialog>
  );
}
