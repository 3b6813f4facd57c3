import { Fragment, type ReactNode } from 'react';
import { useFormContext, useWatch, type FieldPath } from 'react-hook-form';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import type { CouponValues } from './couponForm';
import { applicableTo, discountTypes } from './couponQuery';

/** The rule in one sentence whose words can be changed in place; it and the fields below are one and the same. */
export function RuleSentence() {
  const { t, word } = useTranslation();
  const type = useWatch<CouponValues, 'discount_type'>({ name: 'discount_type' });
  const parts: Record<string, ReactNode> = {
    kind: <Choice name="discount_type" options={discountTypes.map((value) => ({ value, label: word('discountType', value) }))} />,
    value: (
      <>
        <Blank name="discount_value" numeric label={type === 'percentage' ? 'field.discount_value.percent' : 'field.discount_value.fixed'} />
        {type === 'percentage' ? ' %' : <Currency />}
      </>
    ),
    cap: <Blank name="max_discount_amount" numeric none={t('sentence.blank.cap')} />,
    minimum: <Blank name="minimum_order_value" numeric none="0" />,
    who: <Choice name="applicable_to" options={applicableTo.map((value) => ({ value, label: word('applicableTo', value) }))} />,
    each: <Blank name="max_uses_per_user" numeric />,
    total: <Blank name="max_uses_total" numeric none="∞" />,
    from: <Blank name="valid_from" date />,
    until: <Blank name="valid_until" date />,
  };
  const template = [t('sentence.edit.kind'), t(`sentence.edit.${type}`), t('sentence.edit.rest')].join(' ');
  return (
    <div className="rule-sentence rule-sentence--open" role="group" aria-label={t('sentence.edit')}>
      {template.split(/(\{\w+\})/).map((piece, place) => (
        <Fragment key={place}>{/^\{\w+\}$/.test(piece) ? parts[piece.slice(1, -1)] : piece}</Fragment>
      ))}
    </div>
  );
}

function Currency() {
  const currency = useWatch<CouponValues, 'currency'>({ name: 'currency' });
  return <> {currency}</>;
}

type TextName = FieldPath<CouponValues> & ('discount_value' | 'max_discount_amount' | 'minimum_order_value' | 'max_uses_per_user' | 'max_uses_total' | 'valid_from' | 'valid_until');

/** One word of the sentence, as wide as what is in it. */
function Blank({ name, numeric, date, none, label }: { name: TextName; numeric?: boolean; date?: boolean; none?: string; label?: MessageKey }) {
  const { t } = useTranslation();
  const { setValue, formState } = useFormContext<CouponValues>();
  const value = useWatch<CouponValues, TextName>({ name });
  return (
    <input
      className={`blank${date ? ' blank--date' : ''}`}
      type={date ? 'date' : 'text'}
      inputMode={numeric ? 'decimal' : undefined}
      aria-label={t(label ?? (`field.${name}` as MessageKey))}
      aria-invalid={formState.errors[name] ? true : undefined}
      placeholder={none}
      value={value}
      size={date ? undefined : Math.max(2, (value || none || '').length)}
      onChange={(event) => setValue(name, event.target.value, { shouldDirty: true, shouldTouch: true, shouldValidate: true })}
    />
  );
}

function Choice({ name, options }: { name: 'discount_type' | 'applicable_to'; options: { value: string; label: string }[] }) {
  const { t } = useTranslation();
  const { setValue } = useFormContext<CouponValues>();
  const value = useWatch<CouponValues, typeof name>({ name });
  return (
    <select className="blank" aria-label={t(`field.${name}`)} value={value} onChange={(event) => setValue(name, event.target.value as never, { shouldDirty: true, shouldValidate: true })}>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
