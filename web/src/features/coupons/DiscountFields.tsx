import { Gift, TriangleAlert } from 'lucide-react';
import { useController, useWatch } from 'react-hook-form';
import { useTranslation } from '../../shared/i18n/i18n';
import { decimalsOf, formatAmount } from '../../shared/lib/format';
import { Field } from '../../shared/ui/Field';
import { Note } from '../../shared/ui/States';
import { numberOf, type CouponValues } from './couponForm';
import { useFieldMessage, TextField } from './CouponFormFields';
import { discountTypes } from './couponQuery';
import { couponsApi } from './couponsApi';
import { Examples } from './Examples';

/** Percentage by slider and number, amount with its currency, or a free session (UI-09), with examples. */
export function DiscountFields() {
  const { t, word } = useTranslation();
  const { field } = useController<CouponValues, 'discount_type'>({ name: 'discount_type' });
  return (
    <>
      <div className="form-grid__wide">
        <div className="choice" role="radiogroup" aria-label={t('field.discount_type')}>
          {discountTypes.map((type) => (
            <label key={type}>
              <input type="radio" name={field.name} value={type} checked={field.value === type} onChange={() => field.onChange(type)} onBlur={field.onBlur} />
              <span>{word('discountType', type)}</span>
            </label>
          ))}
        </div>
      </div>
      {field.value === 'percentage' && <Percentage />}
      {field.value === 'fixed_amount' && <FixedAmount />}
      {field.value === 'free_session' && <FreeSession />}
      <TextField name="minimum_order_value" type="number" min={0} step="any" />
      <TextField name="maximum_order_value" type="number" min={0} step="any" />
      <TextField name="currency" list="currencies" />
      <datalist id="currencies">
        {['USD', 'EUR', 'GBP', 'CHF', 'JPY'].map((currency) => (
          <option key={currency} value={currency} />
        ))}
      </datalist>
      <Examples />
    </>
  );
}

function Percentage() {
  const { t } = useTranslation();
  const { field } = useController<CouponValues, 'discount_value'>({ name: 'discount_value' });
  const error = useFieldMessage('discount_value');
  return (
    <>
      <div className="stack stack--tight">
        <Field label={t('field.discount_value.percent')} error={error}>
          <input className="input" type="number" min={1} max={100} step="any" {...field} />
        </Field>
        <input
          type="range"
          min={1}
          max={100}
          aria-label={t('form.slider')}
          value={Math.min(100, Math.max(1, numberOf(field.value) ?? 1))}
          onChange={(event) => field.onChange(event.target.value)}
        />
      </div>
      <TextField name="max_discount_amount" type="number" min={0} step="any" hint="field.max_discount_amount.hint" />
    </>
  );
}

function FixedAmount() {
  const { t, locale } = useTranslation();
  const { field } = useController<CouponValues, 'discount_value'>({ name: 'discount_value' });
  const [currency, minimum] = useWatch<CouponValues, ['currency', 'minimum_order_value']>({ name: ['currency', 'minimum_order_value'] });
  const error = useFieldMessage('discount_value');
  const value = numberOf(field.value) ?? 0;
  const isLow = value > 0 && (numberOf(minimum) ?? 0) < value;
  return (
    <>
      <Field label={t('field.discount_value.fixed')} error={error} hint={value > 0 ? formatAmount(value, currency, locale) : undefined}>
        <input className="input" type="number" min={0} step={10 ** -decimalsOf(currency || 'USD')} {...field} />
      </Field>
      {isLow && (
        <Note kind="warn" icon={TriangleAlert}>
          {t('form.minimumBelow')}
        </Note>
      )}
    </>
  );
}

function FreeSession() {
  const { t, locale } = useTranslation();
  const currency = useWatch<CouponValues, 'currency'>({ name: 'currency' });
  const { field } = useController<CouponValues, 'eligible_services'>({ name: 'eligible_services' });
  const { data } = couponsApi.endpoints.listServices.useQuery({ limit: 100 });
  return (
    <div className="form-grid__wide stack stack--tight">
      <Note kind="ok" icon={Gift}>
        {t('form.free', { price: formatAmount(0, currency || 'USD', locale) })}
      </Note>
      <fieldset className="plain-fieldset">
        <legend className="field__label">{t('field.eligible_services')}</legend>
        <div className="row check-list">
          {(data?.data ?? []).map(({ id, name }) => (
            <label className="check" key={id}>
              <input
                type="checkbox"
                checked={field.value.includes(id)}
                onChange={(event) => field.onChange(event.target.checked ? [...field.value, id] : field.value.filter((one) => one !== id))}
              />
              <bdi>{name}</bdi>
            </label>
          ))}
        </div>
        <span className="field__hint">{t('field.eligible_services.hint')}</span>
      </fieldset>
    </div>
  );
}
