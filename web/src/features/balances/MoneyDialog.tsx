import type { Approval } from '../../shared/api/client.generated';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { EditDialog } from '../../shared/ui/EditDialog';
import { Field } from '../../shared/ui/Field';
import type { labelOf } from '../../shared/ui/FormChanges';
import { useToast } from '../../shared/ui/Toasts';
import { balancesApi } from './balancesApi';
import { minorOf } from './minorOf';

export type MoneyKind = 'balance_deposit' | 'balance_withdrawal';

interface Values {
  amount: string;
  currency: string;
  destination: string;
  reason: string;
}

const label: typeof labelOf = (field, t) => t(`balances.${field}` as MessageKey);

/** Asks for a deposit or a withdrawal: another person has to agree before anything moves (ACC-07). */
export function MoneyDialog({ kind, customer, onClose }: { kind: MoneyKind; customer: string; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [request] = balancesApi.endpoints.requestApproval.useMutation();
  const isOut = kind === 'balance_withdrawal';
  return (
    <EditDialog<Approval, Values>
      title={t(isOut ? 'balances.withdraw.title' : 'balances.deposit.title')}
      action={t('balances.ask')}
      valuesOf={() => ({ amount: '', currency: 'EUR', destination: '', reason: '' })}
      label={label}
      check={({ amount, currency }) => (minorOf(amount, currency) === undefined ? { amount: t('balances.amountRule') } : ({} as Record<string, string>))}
      read={(stored) => Promise.resolve({ data: stored })}
      save={({ amount, currency, destination, reason }, _, key) =>
        request({
          'Idempotency-Key': key,
          approvalWanted: {
            kind,
            input: { customer_id: customer, amount: { amount: minorOf(amount, currency), currency }, ...(isOut ? { destination: destination.trim() } : {}) },
            reason: reason.trim(),
          },
        })
      }
      onSaved={({ state }) => toast('success', t(state === 'pending' ? 'balances.asked.waits' : 'balances.asked.done'))}
      onClose={onClose}
    >
      {({ values, set, errors }) => (
        <>
          <p>{t(isOut ? 'balances.withdraw.text' : 'balances.deposit.text')}</p>
          <Field label={t('balances.amount')} error={errors.amount}>
            <input className="input" inputMode="decimal" value={values.amount} maxLength={20} data-autofocus onChange={(event) => set({ amount: event.target.value })} />
          </Field>
          <Field label={t('balances.currency')} error={errors.currency} hint={t('balances.currency.hint')}>
            <input className="input" value={values.currency} maxLength={3} onChange={(event) => set({ currency: event.target.value.toUpperCase() })} />
          </Field>
          {isOut && (
            <Field label={t('balances.destination')} error={errors.destination} hint={t('balances.destination.hint')}>
              <input className="input" value={values.destination} maxLength={100} onChange={(event) => set({ destination: event.target.value })} />
            </Field>
          )}
          <Field label={t('balances.reason')} error={errors.reason} hint={t('balances.reason.hint')}>
            <input className="input" value={values.reason} maxLength={2000} onChange={(event) => set({ reason: event.target.value })} />
          </Field>
        </>
      )}
    </EditDialog>
  );
}
