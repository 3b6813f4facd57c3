import { useState, type FormEvent } from 'react';
import { client } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Field } from '../../shared/ui/Field';
import { watched, type Watched } from './watched';

const dateFields = ['created', 'expires', 'lastUsed'] as const;
const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const mostMerchants = 100;

/** The filters of OPS-01: merchant, offer, campaign, customer and days; statuses are chosen by their counts. */
export function MonitoringFilters({ filters, onFilter }: { filters: Watched; onFilter: (filters: Watched) => void }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const seesPeople = can('directory.read');
  const [error, setError] = useState<string>();
  const [findCustomer] = client.endpoints.listCustomers.useLazyQuery();
  const { data: merchants } = client.endpoints.listMerchants.useQuery({ limit: mostMerchants, sort: 'name' }, { skip: !seesPeople });
  const isFiltered = watched.some((name) => name !== 'status' && filters[name]);

  /** A customer is named by its id, or by the number the deployment knows it by. */
  const customerOf = async (text: string): Promise<string | undefined> => {
    if (text === '' || isId.test(text)) return text;
    const answer = seesPeople ? await findCustomer({ externalId: text, limit: 1 }) : undefined;
    const found = answer?.data?.data[0]?.id;
    if (!found) setError(answer?.error ? messageOf(answer.error, t) : t(seesPeople ? 'monitoring.noCustomer' : 'redemptions.customerRule'));
    return found;
  };

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setError(undefined);
    const entered: Watched = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]));
    const customer = await customerOf(entered.customer ?? '');
    if (customer === undefined) return;
    const hasDays = entered['dateRange.from'] || entered['dateRange.to'];
    onFilter({ ...entered, customer, status: filters.status ?? '', 'dateRange.field': hasDays ? (entered['dateRange.field'] ?? '') : '' });
  };

  return (
    <form className="filters" role="search" onSubmit={(event) => void submit(event)} noValidate>
      <Wide label={t('redemptions.search')}>
        <input className="input" type="search" name="search" defaultValue={filters.search} maxLength={200} />
      </Wide>
      {merchants && merchants.data.length > 0 && (
        <Wide label={t('filter.merchant')}>
          <select className="input" name="merchant" defaultValue={filters.merchant ?? ''}>
            <option value="">{t('filter.anything')}</option>
            {merchants.data.map((merchant) => (
              <option key={merchant.id} value={merchant.id}>
                {merchant.name}
              </option>
            ))}
          </select>
        </Wide>
      )}
      <Wide label={t('filter.offer')}>
        <input className="input" name="offer" defaultValue={filters.offer} maxLength={100} />
      </Wide>
      <Wide label={t('filter.campaign')}>
        <input className="input" name="campaign" defaultValue={filters.campaign} maxLength={200} />
      </Wide>
      <Wide label={t('filter.customer')} error={error}>
        <input className="input" name="customer" defaultValue={filters.customer} maxLength={100} />
      </Wide>
      <Wide label={t('filter.dateField')}>
        <select className="input" name="dateRange.field" defaultValue={filters['dateRange.field'] || 'created'}>
          {dateFields.map((field) => (
            <option key={field} value={field}>
              {word('dateField', field)}
            </option>
          ))}
        </select>
      </Wide>
      {(['from', 'to'] as const).map((end) => (
        <Wide key={end} label={t(`filter.date.${end}`)}>
          <input className="input" type="date" name={`dateRange.${end}`} defaultValue={filters[`dateRange.${end}`]} />
        </Wide>
      ))}
      <div className="filters__buttons">
        <Button type="submit" look="primary">
          {t('redemptions.search')}
        </Button>
        {isFiltered && <Button onClick={() => onFilter({ status: filters.status ?? '' })}>{t('action.clear')}</Button>}
      </div>
    </form>
  );
}

function Wide({ label, error, children }: { label: string; error?: string | undefined; children: Parameters<typeof Field>[0]['children'] }) {
  return (
    <div className="filters__field">
      <Field label={label} error={error}>
        {children}
      </Field>
    </div>
  );
}
