import { nanoid } from '@reduxjs/toolkit';
import { Plus, Trash2 } from 'lucide-react';
import { useRef, useState, type FormEvent } from 'react';
import type { Campaign, Cost } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { decimalsOf, formatDay, formatMinor } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Field, FieldError } from '../../shared/ui/Field';
import { Scrollable } from '../../shared/ui/Scrollable';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { campaignsApi } from './campaignsApi';

/** What was spent on making a campaign known, by day (CMP-03). */
export function Costs({ campaign }: { campaign: Campaign }) {
  const { t, locale } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const { data, error, refetch } = campaignsApi.endpoints.listCosts.useQuery({ id: campaign.id });
  const [remove] = campaignsApi.endpoints.removeCost.useMutation();
  const [add] = campaignsApi.endpoints.addCost.useMutation();
  const putBack = async ({ day, amount, note }: Cost) => {
    const answer = await add({ id: campaign.id, 'Idempotency-Key': `web-${nanoid()}`, costWanted: { day, amount, note } });
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('cost.added'));
  };
  const takeBack = async (cost: Cost) => {
    const answer = await remove({ id: campaign.id, cost: cost.id });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('cost.removed'), { label: t('action.undo'), run: () => void putBack(cost) });
  };
  return (
    <section className="stack stack--tight" aria-labelledby="campaign-costs">
      <h3 id="campaign-costs">{t('cost.title')}</h3>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeletons lines={2} />
      ) : data.data.length === 0 ? (
        <p className="muted">{t('cost.none')}</p>
      ) : (
        <Scrollable labelledBy="campaign-costs">
          <table className="simple-table">
            <tbody>
              {data.data.map((cost) => (
                <tr key={cost.id}>
                  <th scope="row" className="num">
                    {formatDay(cost.day, locale)}
                  </th>
                  <td>
                    <bdi>{cost.note}</bdi>
                  </td>
                  <td className="end num">{formatMinor(cost.amount, locale)}</td>
                  {can('campaigns.write') && (
                    <td className="end">
                      <Button look="quiet" size="small" icon={Trash2} label={t('cost.remove', { day: formatDay(cost.day, locale) })} onClick={() => takeBack(cost)} />
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
      {can('campaigns.write') && <CostForm campaign={campaign} />}
    </section>
  );
}

function CostForm({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const form = useRef<HTMLFormElement>(null);
  const currency = campaign.budget?.currency ?? 'EUR';
  const [failure, setFailure] = useState<string>();
  const [add, { isLoading }] = campaignsApi.endpoints.addCost.useMutation();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = new FormData(event.currentTarget);
    const minor = Math.round(Number(String(entered.get('amount')).replace(',', '.')) * 10 ** decimalsOf(currency));
    if (!(minor > 0)) return setFailure(t('cost.rule'));
    const answer = await add({
      id: campaign.id,
      'Idempotency-Key': key.current,
      costWanted: { day: String(entered.get('day')), amount: { amount: minor, currency }, note: String(entered.get('note')).trim() || null },
    });
    if (!answer.error || problemOf(answer.error)) key.current = `web-${nanoid()}`;
    if (answer.error) return setFailure(messageOf(answer.error, t));
    setFailure(undefined);
    form.current?.reset();
    toast('success', t('cost.added'));
  };
  return (
    <form ref={form} className="cost-form" onSubmit={submit} noValidate>
      <Field label={t('cost.day')}>
        <input className="input" type="date" name="day" defaultValue={new Date().toISOString().slice(0, 10)} />
      </Field>
      <Field label={`${t('cost.amount')} (${currency})`}>
        <input className="input num" name="amount" inputMode="decimal" autoComplete="off" />
      </Field>
      <Field label={t('cost.note')}>
        <input className="input" name="note" maxLength={200} autoComplete="off" />
      </Field>
      <Button type="submit" icon={Plus} busy={isLoading}>
        {t('cost.add')}
      </Button>
      {failure && <FieldError text={failure} />}
    </form>
  );
}
