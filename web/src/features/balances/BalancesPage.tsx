import { Banknote, CircleCheck, CircleX } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { Link } from 'react-router';
import type { Withdrawal } from '../../shared/api/client.generated';
import { useCustomerSearch } from '../../shared/api/customers';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { Button } from '../../shared/ui/Button';
import { Customer, CustomerField } from '../../shared/ui/Customer';
import { Field } from '../../shared/ui/Field';
import { Listing } from '../../shared/ui/Listing';
import { Place } from '../../shared/ui/Place';
import { Instant, Minor } from '../../shared/ui/Values';
import { balancesApi } from './balancesApi';
import { CustomerBalances } from './CustomerBalances';
import { FailedDialog, PaidDialog } from './PayoutDialogs';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const looks: Record<string, string> = { requested: 'warn', approved: 'info', paid: 'ok', failed: 'danger', rejected: 'danger' };
const states = ['requested', 'approved', 'paid', 'failed', 'rejected', 'cancelled', 'expired', 'void'] as const;

/** Customers' money: what waits to be paid out, and for one customer all there is and what moved it (BAL-10, BAL-14). */
export function BalancesPage() {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const customer = params.get('customer_id') ?? '';
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.balances')}</h1>
          <p>{t('balances.text')}</p>
        </div>
      </header>
      <Search key={params.toString()} wanted={params} onSearch={(next) => setParams(next, { asStep: true })} />
      {uuid.test(customer) && <CustomerBalances id={customer} />}
      <Place id="withdrawals">
        <Withdrawals customer={customer} state={params.get('state') ?? ''} />
      </Place>
    </div>
  );
}

function Search({ wanted, onSearch }: { wanted: URLSearchParams; onSearch: (wanted: Record<string, string>) => void }) {
  const { t, word } = useTranslation();
  const { search, error } = useCustomerSearch();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value)) as Record<string, string>;
    void search(entered.customer_id ?? '', (id) => onSearch(id ? { ...entered, customer_id: id } : entered));
  };
  return (
    <form className="filters" role="search" onSubmit={submit} noValidate>
      <div className="filters__field">
        <CustomerField name="customer_id" id={wanted.get('customer_id') ?? undefined} error={error} />
      </div>
      <div className="filters__field">
        <Field label={t('column.status')}>
          <select className="input" name="state" defaultValue={wanted.get('state') ?? ''}>
            <option value="">{t('balances.anyState')}</option>
            {states.map((state) => (
              <option key={state} value={state}>
                {word('withdrawalState', state)}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <div className="filters__buttons">
        <Button type="submit" look="primary">
          {t('redemptions.search')}
        </Button>
        {wanted.size > 0 && <Button onClick={() => onSearch({})}>{t('action.clear')}</Button>}
      </div>
    </form>
  );
}

function Withdrawals({ customer, state }: { customer: string; state: string }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const [paid, setPaid] = useState<Withdrawal>();
  const [failed, setFailed] = useState<Withdrawal>();
  const pages = usePages(balancesApi.endpoints.listWithdrawals, {
    limit: 50,
    ...(customer ? { customerId: customer } : {}),
    ...(state ? { state: state as (typeof states)[number] } : {}),
  });
  return (
    <>
      <Listing
        title={t('balances.withdrawals')}
        icon={Banknote}
        pages={pages}
        empty={t(customer || state ? 'balances.noMatch' : 'balances.none')}
        emptyText={t('balances.none.text')}
        columns={[t('balances.asked'), t('redemption.customer'), { name: t('balances.amount'), end: true }, t('balances.destination'), t('column.status'), t('balances.changed'), '']}
        row={(one) => (
          <tr key={one.id}>
            <td>
              <Instant at={one.asked_at} />
            </td>
            <td>
              <Link to={`/balances?customer_id=${one.customer_id}`}>
                <Customer id={one.customer_id} />
              </Link>
            </td>
            <td className="end">
              <Minor money={one.amount} />
            </td>
            <td className="anywhere">
              <bdi>{one.destination}</bdi>
            </td>
            <td>
              <span className={`badge badge--${looks[one.state] ?? 'neutral'}`}>{word('withdrawalState', one.state)}</span>
            </td>
            <td>
              <Instant at={one.changed_at} />
              {one.payout_reference && <div className="muted small anywhere">{one.payout_reference}</div>}
            </td>
            <td className="end">
              <span className="row">
                {one.state === 'requested' && can('approvals.read') && (
                  <Link className="button button--small" to={`/approvals/${one.id}`}>
                    {t('balances.request')}
                  </Link>
                )}
                {one.state === 'approved' && can('balances.pay_out') && (
                  <>
                    <Button size="small" icon={CircleCheck} onClick={() => setPaid(one)} aria-label={`${t('balances.paid')}: ${one.destination}`}>
                      {t('balances.paid')}
                    </Button>
                    <Button size="small" icon={CircleX} onClick={() => setFailed(one)} aria-label={`${t('balances.failed')}: ${one.destination}`}>
                      {t('balances.failed')}
                    </Button>
                  </>
                )}
              </span>
            </td>
          </tr>
        )}
      />
      {paid && <PaidDialog withdrawal={paid} onClose={() => setPaid(undefined)} />}
      {failed && <FailedDialog withdrawal={failed} onClose={() => setFailed(undefined)} />}
    </>
  );
}
