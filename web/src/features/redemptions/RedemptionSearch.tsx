import type { FormEvent } from 'react';
import { useCustomerSearch } from '../../shared/api/customers';
import { useCan } from '../../shared/api/store';
import { useTranslation, type MessageKey, type Translation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { CustomerField } from '../../shared/ui/Customer';
import { Field } from '../../shared/ui/Field';
import { FilterChips } from '../../shared/ui/FilterChips';
import type { FilterName, Filters } from './filters';
import { redemptionsApi } from './redemptionsApi';

const inputs: Partial<Record<FilterName, object>> = { coupon_code: { autoCapitalize: 'characters', spellCheck: false }, campaign_id: { list: 'campaigns' }, from: { type: 'date' }, to: { type: 'date' } };

/** Fields to look by; what a figure carried over stands below as chips, and stays until it is taken away. */
export function RedemptionSearch({ wanted, names, onSearch }: { wanted: Filters; names: readonly FilterName[]; onSearch: (wanted: Record<string, string>) => void }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const { data: campaigns } = redemptionsApi.endpoints.listCampaigns.useQuery({ limit: 100 }, { skip: !names.includes('campaign_id') });
  const { data: coupon } = redemptionsApi.endpoints.getCoupon.useQuery({ id: Number(wanted.coupon_id) }, { skip: !wanted.coupon_id || !can('coupons.read') });
  const chips = Object.entries(wanted).filter(([name]) => !names.includes(name as FilterName)) as [FilterName, string][];
  const { search, error } = useCustomerSearch();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value)) as Filters;
    void search(entered.customer_id ?? '', (id) => onSearch({ ...Object.fromEntries(chips), ...entered, ...(id && { customer_id: id }) }));
  };
  return (
    <>
      <form className="filters" role="search" onSubmit={submit} noValidate>
        {names.map((name) => (
          <div className="filters__field" key={name}>
            {name === 'customer_id' ? (
              <CustomerField name={name} id={wanted[name]} error={error} />
            ) : (
              <Field label={t(`redemptions.by.${name}` as MessageKey)}>
                <input className="input" name={name} defaultValue={wanted[name] ?? ''} {...inputs[name]} />
              </Field>
            )}
          </div>
        ))}
        <div className="filters__buttons">
          <Button type="submit" look="primary">
            {t('redemptions.search')}
          </Button>
          {Object.keys(wanted).length > 0 && <Button onClick={() => onSearch({})}>{t('action.clear')}</Button>}
        </div>
        <datalist id="campaigns">
          {campaigns?.data.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </datalist>
      </form>
      <FilterChips
        chips={chips.map(([name, value]) => ({ name, text: t(`rows.by.${name}` as MessageKey), value: name === 'coupon_id' ? (coupon?.code ?? `#${value}`) : valueOf(name, value, t, word) }))}
        onRemove={(name) => onSearch(Object.fromEntries(Object.entries(wanted).filter(([one]) => one !== name)))}
      />
    </>
  );
}

const families: Partial<Record<FilterName, string>> = {
  status: 'redemptionStatus',
  booking: 'funnel',
  discount_type: 'discountType',
  applicable_to: 'applicableTo',
  marketing_channel: 'marketingChannel',
  result: 'attempt',
  reason: 'refusal',
  without: 'attributionBy',
  touch: 'attribution',
};

/** A filter in words. */
function valueOf(name: FilterName, value: string, t: Translation['t'], word: Translation['word']): string {
  if (name === 'weekday') return t('chart.weekdayNames').split(' ')[Number(value) - 1] ?? value;
  if (name === 'month') return t('season.monthNames').split(' ')[Number(value) - 1] ?? value;
  if (name === 'quarter') return `Q${value}`;
  if (name === 'once' || name === 'standing') return t(`rows.${name}`);
  const family = families[name];
  return family ? value.split(',').map((one) => word(family, one)).join(', ') : value;
}
