import { nanoid } from '@reduxjs/toolkit';
import { Plus, Scale } from 'lucide-react';
import { useState } from 'react';
import type { LegalHold, RetentionView } from '../../shared/api/client.generated';
import { useCustomerId } from '../../shared/api/customers';
import { faultAt, messageOf } from '../../shared/api/problem';
import { usePages } from '../../shared/api/usePages';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Customer } from '../../shared/ui/Customer';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import type { labelOf } from '../../shared/ui/FormChanges';
import { useToast } from '../../shared/ui/Toasts';
import { Day } from '../../shared/ui/Values';
import { EditDialog } from '../../shared/ui/EditDialog';
import { Listing } from '../../shared/ui/Listing';
import { kindText } from './retentionKinds';
import { settingsApi } from './settingsApi';

const label: typeof labelOf = (field, t) => t(`hold.${field}` as MessageKey);

/** What has to be kept, whatever its period says. */
export function LegalHolds({ kinds }: { kinds: RetentionView[] }) {
  const { t, locale } = useTranslation();
  const pages = usePages(settingsApi.endpoints.listLegalHolds, { limit: 50 });
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<LegalHold>();
  const textOf = (name: string | null | undefined) => {
    const kind = kinds.find((one) => one.data_kind === name);
    return kind ? kindText(kind, locale) : (name ?? '');
  };
  return (
    <>
      <Listing
        title={t('settings.legalHolds')}
        icon={Scale}
        empty={t('hold.none')}
        pages={pages}
        columns={[t('hold.matter'), t('hold.what'), t('hold.since'), t('hold.until'), '']}
        action={
          <Button icon={Plus} keys="n" onClick={() => setMaking(true)}>
            {t('hold.place')}
          </Button>
        }
        row={(hold) => (
          <tr key={hold.id}>
            <td>
              <bdi>{hold.matter}</bdi>
            </td>
            <td className="wide">{hold.customer_id ? <>{t('hold.customer_id')} <Customer id={hold.customer_id} /></> : textOf(hold.data_kind)}</td>
            <td>
              <Day at={hold.created_at} />
            </td>
            <td>
              <Day at={hold.ended_at} otherwise={t('hold.stands')} />
            </td>
            <td className="end">
              {!hold.ended_at && (
                <Button size="small" onClick={() => setEnding(hold)} aria-label={`${t('hold.end')}: ${hold.matter}`}>
                  {t('hold.end')}
                </Button>
              )}
            </td>
          </tr>
        )}
      />
      {isMaking && <HoldForm kinds={kinds} onClose={() => setMaking(false)} />}
      {ending && <EndDialog hold={ending} onClose={() => setEnding(undefined)} />}
    </>
  );
}

function HoldForm({ kinds, onClose }: { kinds: RetentionView[]; onClose: () => void }) {
  const { t, locale } = useTranslation();
  const toast = useToast();
  const customerId = useCustomerId();
  const [create] = settingsApi.endpoints.createLegalHold.useMutation();
  return (
    <EditDialog<LegalHold, { matter: string; data_kind: string; customer_id: string }>
      title={t('hold.place')}
      valuesOf={() => ({ matter: '', data_kind: '', customer_id: '' })}
      label={label}
      read={(stored) => Promise.resolve({ data: stored })}
      save={async ({ matter, data_kind: kind, customer_id: customer }, _, key) => {
        const found = kind ? undefined : await customerId(customer.trim());
        if (found?.error !== undefined) return { error: faultAt('customer_id', found.error) };
        return create({ 'Idempotency-Key': key, legalHoldWanted: { matter: matter.trim(), ...(found ? { customer_id: found.id } : { data_kind: kind }) } });
      }}
      onSaved={({ matter }) => toast('success', t('hold.placed', { name: matter }))}
      onClose={onClose}
    >
      {({ values, set, errors }) => (
        <>
          <Field label={t('hold.matter')} error={errors.matter} hint={t('hold.matter.hint')}>
            <input className="input" value={values.matter} maxLength={100} data-autofocus onChange={(event) => set({ matter: event.target.value })} />
          </Field>
          <Field label={t('hold.what')} error={errors.data_kind}>
            <select className="input" value={values.data_kind} onChange={(event) => set({ data_kind: event.target.value })}>
              <option value="">{t('hold.ofCustomer')}</option>
              {kinds.map((kind) => (
                <option key={kind.data_kind} value={kind.data_kind}>
                  {kindText(kind, locale)}
                </option>
              ))}
            </select>
          </Field>
          {!values.data_kind && (
            <Field label={t('hold.customer_id')} error={errors.customer_id} hint={t('customer.placeholder')}>
              <input className="input" value={values.customer_id} maxLength={100} onChange={(event) => set({ customer_id: event.target.value })} />
            </Field>
          )}
        </>
      )}
    </EditDialog>
  );
}

function EndDialog({ hold, onClose }: { hold: LegalHold; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [end, { isLoading }] = settingsApi.endpoints.endLegalHold.useMutation();
  const run = async () => {
    const answer = await end({ id: hold.id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('hold.ended', { name: hold.matter }));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t('hold.end.title', { name: hold.matter })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" busy={isLoading} onClick={run}>
            {t('hold.end')}
          </Button>
        </>
      }
    >
      <p>{t('hold.end.text')}</p>
    </Dialog>
  );
}
