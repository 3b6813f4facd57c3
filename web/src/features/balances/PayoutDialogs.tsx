import { CircleCheck, CircleX } from 'lucide-react';
import { useState } from 'react';
import type { Withdrawal } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor } from '../../shared/lib/format';
import { AskDialog } from '../../shared/ui/AskDialog';
import { Field } from '../../shared/ui/Field';
import { balancesApi } from './balancesApi';

interface PayoutDialogProps {
  withdrawal: Withdrawal;
  onClose: () => void;
}

/** Says that the payment was made, and which. */
export function PaidDialog({ withdrawal, onClose }: PayoutDialogProps) {
  const { t, locale } = useTranslation();
  const [reference, setReference] = useState('');
  const [pay] = balancesApi.endpoints.payWithdrawal.useMutation();
  const amount = formatMinor(withdrawal.amount, locale);
  return (
    <AskDialog
      title={t('balances.paid.title')}
      action={t('balances.paid')}
      icon={CircleCheck}
      look="primary"
      check={() => (reference.trim() ? undefined : t('balances.referenceRule'))}
      run={(key) => pay({ id: withdrawal.id, 'Idempotency-Key': key, paidWanted: { payout_reference: reference.trim() } })}
      done={t('balances.paid.done', { amount })}
      onClose={onClose}
    >
      <p>{t('balances.paid.text', { amount, destination: withdrawal.destination })}</p>
      <Field label={t('balances.reference')} hint={t('balances.reference.hint')}>
        <input className="input" value={reference} maxLength={100} data-autofocus onChange={(event) => setReference(event.target.value)} />
      </Field>
    </AskDialog>
  );
}

/** Says that no payment came about: the money is back on the balance. */
export function FailedDialog({ withdrawal, onClose }: PayoutDialogProps) {
  const { t, locale } = useTranslation();
  const [fail] = balancesApi.endpoints.failWithdrawal.useMutation();
  const amount = formatMinor(withdrawal.amount, locale);
  return (
    <AskDialog
      title={t('balances.failed.title')}
      action={t('balances.failed')}
      icon={CircleX}
      run={(key) => fail({ id: withdrawal.id, 'Idempotency-Key': key, nothingWanted: {} })}
      done={t('balances.failed.done', { amount })}
      onClose={onClose}
    >
      <p>{t('balances.failed.text', { amount, destination: withdrawal.destination })}</p>
    </AskDialog>
  );
}
