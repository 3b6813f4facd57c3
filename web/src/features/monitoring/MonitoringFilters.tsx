import type { FormEvent } from 'react';
import { client } from '../../shared/api/client.generated';
import { useCustomerSearch } from '../../shared/api/customers';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { CustomerField } from '../../shared/ui/Customer';
import { Field } from '../../shared/ui/Field';
import { watched, type Watched } from './watched';

const dateFields = ['created', 'expires', 'lastUsed'] as const;
const mostMerchants = 100;

/** The filters of OPS-01: merchant, offer, campaign, customer and days; statuses are chosen by their counts. */
export function MonitoringFilters({ filters, onFilter }: { filters: Watched; onFilter: (filters: Watched) => void }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const seesPeople = can('directory.read');
  const { search, error } = useCustomerSearch();
  const { data: merchants } = client.endpoints.listMerchants.useQuery({ limit: mostMerchants, sort: 'name' }, { skip: !seesPeople });
  const isFiltered = watched.some((name) => name !== 'status' && filters[name]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered: Watched = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]));
    const hasDays = entered['dateRange.from'] || entered['dateRange.to'];
    void search(entered.customer ?? '', (customer) =>
      onFilter({ ...entered, customer, status: filters.status ?? '', 'dateRange.field': hasDays ? (entered['dateRange.field'] ?? '') : '' }),
    );
  };

  return (
    <form className="filters" role="search" onSubmit={submit} noValidate>
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
      <div className="filters__field">
        <CustomerField name="customer" id={filters.customer} error={error} />
      </div>
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

function Wide({ label, children }: { label: string; children: Parameters<typeof Field>[0]['children'] }) {
  return (
    <div className="filters__field">
      <Field label={label}>
        {children}
      </Field>
    </div>
  );
}
