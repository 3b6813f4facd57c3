import { ArrowDownToLine, ArrowUpFromLine, ArrowLeftRight } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Listing } from '../../shared/ui/Listing';
import { Place } from '../../shared/ui/Place';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { Instant, Minor } from '../../shared/ui/Values';
import { balancesApi } from './balancesApi';
import { MoneyDialog, type MoneyKind } from './MoneyDialog';

/** What one customer has here, and what moved it. */
export function CustomerBalances({ id }: { id: string }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const [asking, setAsking] = useState<MoneyKind>();
  const { data, error, refetch } = balancesApi.endpoints.getCustomerBalances.useQuery({ id });
  const pages = usePages(balancesApi.endpoints.listCustomerBalanceMovements, { id, limit: 25 });
  const may = (permission: string) => can('approvals.request') && can(permission);
  return (
    <>
      <section className="card" aria-labelledby="balances">
        <div className="card__head">
          <h2 id="balances">{t('balances.ofCustomer')}</h2>
          <span className="row">
            {may('balances.deposit') && (
              <Button icon={ArrowDownToLine} onClick={() => setAsking('balance_deposit')}>
                {t('balances.deposit')}
              </Button>
            )}
            {may('balances.withdraw') && (
              <Button icon={ArrowUpFromLine} onClick={() => setAsking('balance_withdrawal')}>
                {t('balances.withdraw')}
              </Button>
            )}
          </span>
        </div>
        <div className="card__body">
          {error ? (
            <ErrorState error={error} onRetry={refetch} />
          ) : !data ? (
            <Skeletons lines={2} />
          ) : data.data.length === 0 ? (
            <p className="muted">{t('balances.nothing')}</p>
          ) : (
            <ul className="stack stack--tight">
              {data.data.map(({ balance, held, available }) => (
                <li key={balance.currency} className="row">
                  <strong>
                    <Link className="quiet-link" to={`/balances?customer_id=${id}#movements`}>
                      <Minor money={balance} />
                    </Link>
                  </strong>
                  <span className="muted">
                    {t('balances.available')} <Minor money={available} />, {t('balances.held')}{' '}
                    <Link className="quiet-link" to={`/balances?customer_id=${id}#withdrawals`}>
                      <Minor money={held} />
                    </Link>
                  </span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </section>
      <Place id="movements">
        <Listing
          title={t('balances.movements')}
          icon={ArrowLeftRight}
          pages={pages}
          empty={t('balances.noMovement')}
          columns={[t('usage.when'), t('balances.what'), { name: t('balances.amount'), end: true }, '']}
          row={(one) => (
            <tr key={one.id}>
              <td>
                <Instant at={one.at} />
              </td>
              <td>{word('movement', one.kind)}</td>
              <td className="end">
                <Minor money={one.amount} />
              </td>
              <td className="end">{can('approvals.read') && <Link to={`/approvals/${one.reference}`}>{t('balances.request')}</Link>}</td>
            </tr>
          )}
        />
      </Place>
      {asking && <MoneyDialog kind={asking} customer={id} onClose={() => setAsking(undefined)} />}
    </>
  );
}
