import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import type { Campaign } from '../../shared/api/client.generated';
import { operationsApi } from '../../shared/api/operations';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import { campaignsApi } from './campaignsApi';

/** A copy of a campaign with its coupons: a name and a start of its own, everything off until confirmed (CMP-08). */
export function CloneDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const can = useCan();
  const mayUndo = can('coupons.bulk');
  const navigate = useNavigate();
  const key = useRef(`web-${nanoid()}`);
  const [name, setName] = useState(t('clone.nameOf', { name: campaign.name }));
  const [start, setStart] = useState(new Date().toISOString().slice(0, 10));
  const [failure, setFailure] = useState<string>();
  const [clone, { isLoading }] = campaignsApi.endpoints.cloneCampaign.useMutation();
  const [undo] = operationsApi.endpoints.undoOperation.useMutation();
  const takeBack = async (operation: string) => {
    const answer = await undo({ id: operation, 'Idempotency-Key': `web-${operation}` });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    toast('info', t('operation.undo.begun', { count: answer.data.items }));
    void navigate(can('operations.run') ? '/operations' : '/campaigns');
  };
  const run = async () => {
    const answer = await clone({ id: campaign.id, 'Idempotency-Key': key.current, cloneWanted: { name: name.trim(), start_date: start } });
    if (answer.error) {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      return setFailure(messageOf(answer.error, t));
    }

    const { operation_id: operation } = answer.data;
    toast('success', t('clone.done', { count: answer.data.coupons }), mayUndo ? { label: t('action.undo'), run: () => void takeBack(operation) } : undefined);
    onClose();
    void navigate(`/campaigns/${encodeURIComponent(answer.data.id)}`);
  };
  return (
    <Dialog
      title={t('clone.title', { name: campaign.name })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isLoading} disabled={!name.trim() || !start} onClick={run}>
            {t('clone.run')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{t('clone.text')}</p>
        <Field label={t('clone.name')}>
          <input className="input" value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t('clone.start')} error={failure}>
          <input className="input" type="date" value={start} onChange={(event) => setStart(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}
