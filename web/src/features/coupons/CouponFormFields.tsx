import type { ReactNode } from 'react';
import { useController, useFormContext, useWatch, type FieldPath } from 'react-hook-form';
import { useCan } from '../../shared/api/store';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Field } from '../../shared/ui/Field';
import { CodeField } from './CodeField';
import type { CouponValues } from './couponForm';
import { applicableTo } from './couponQuery';
import { couponsApi } from './couponsApi';
import { knownZones } from './days';
import { DiscountFields } from './DiscountFields';
import type { Coupon } from './couponCells';

/** The groups of A.4, then those of the other rows that give a coupon fields. */
export function CouponFormFields({ stored }: { stored?: Coupon }) {
  const { t, word } = useTranslation();
  const applies = useWatch<CouponValues, 'applicable_to'>({ name: 'applicable_to' });
  const campaign = useWatch<CouponValues, 'campaign_id'>({ name: 'campaign_id' });
  const stacking = useWatch<CouponValues, 'stacking'>({ name: 'stacking' });
  return (
    <>
      <Group title="form.group.basic">
        <CodeField original={stored?.code} />
        <TextField name="internal_name" />
        <TextField name="description.en" rows={2} />
        <TextField name="description.de" rows={2} />
      </Group>
      <Group title="form.group.discount">
        <DiscountFields />
      </Group>
      <Group title="form.group.limits">
        <TextField name="max_uses_total" type="number" hint="field.max_uses_total.hint" min={1} />
        <TextField name="max_uses_per_user" type="number" min={1} max={10} />
      </Group>
      <Group title="form.group.validity">
        <TextField name="valid_from" type="date" />
        <TextField name="valid_until" type="date" hint="field.valid_until.hint" />
        <TextField name="time_zone" list="time-zones" hint="field.time_zone.hint" />
        <datalist id="time-zones">
          {knownZones.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </Group>
      <Group title="form.group.targeting">
        <SelectField name="applicable_to" options={applicableTo.map((value) => ({ value, label: word('applicableTo', value) }))} />
        {applies === 'specific_consultants' && <Consultants />}
        <SessionTypes />
      </Group>
      <Group title="form.group.attribution" folded>
        <CampaignField />
        {campaign && (
          <SelectField
            name="campaign_role"
            options={['', 'primary', 'secondary', 'fallback'].map((value) => ({ value, label: value ? word('campaignRole', value) : t('value.none') }))}
          />
        )}
        <TextField name="campaign_source" />
        <TextField name="utm_source" />
        <TextField name="utm_medium" />
        <TextField name="utm_campaign" />
      </Group>
      <Group title="form.group.distribution" folded>
        <SelectField name="distribution" options={['public', 'private', 'code'].map((value) => ({ value, label: word('distribution', value) }))} />
        <SelectField
          name="code_kind"
          options={['shared', 'unique'].map((value) => ({ value, label: word('codeKind', value) }))}
          hint="field.code_kind.hint"
        />
        <TextField name="channels" hint="field.list.hint" />
        <TextField name="products" hint="field.list.hint" />
      </Group>
      <Group title="form.group.merchant" folded>
        <MerchantField />
        <TextField name="external_id" hint="field.external_id.hint" />
      </Group>
      <Group title="form.group.stacking" folded>
        <SelectField
          name="stacking"
          options={['stackable', 'exclusive'].map((value) => ({ value, label: word('stacking', value) }))}
          hint="field.stacking.hint"
        />
        {stacking === 'stackable' && <TextField name="stacking_groups" hint="field.stacking_groups.hint" />}
        <TextField name="apply_order" type="number" min={1} hint="field.apply_order.hint" />
      </Group>
      <Group title="form.group.administrative">
        <TextField name="notes" rows={2} />
        <CheckField name="is_active" />
      </Group>
    </>
  );
}

function Group({ title, folded = false, children }: { title: MessageKey; folded?: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  if (folded) {
    return (
      <details className="form-group">
        <summary>
          <h3>{t(title)}</h3>
        </summary>
        <div className="form-grid">{children}</div>
      </details>
    );
  }

  return (
    <fieldset className="form-group plain-fieldset">
      <legend>
        <h3>{t(title)}</h3>
      </legend>
      <div className="form-grid">{children}</div>
    </fieldset>
  );
}

/** The message at a field: one of our texts by its key, or the server's own words. */
export function useFieldMessage(name: FieldPath<CouponValues>): string | undefined {
  const { t } = useTranslation();
  const { error } = useFormContext<CouponValues>().getFieldState(name, useFormContext<CouponValues>().formState);
  const message = error?.message;
  return message?.startsWith('rule.') ? t(message as MessageKey) : message;
}

export function TextField({ name, hint, rows, ...rest }: { name: FieldPath<CouponValues>; hint?: MessageKey; rows?: number; type?: string; min?: number; max?: number; step?: string; list?: string }) {
  const { t } = useTranslation();
  const { register } = useFormContext<CouponValues>();
  const error = useFieldMessage(name);
  return (
    <Field label={t(`field.${name}` as MessageKey)} error={error} hint={hint && t(hint)}>
      {rows ? <textarea className="input" rows={rows} {...register(name)} /> : <input className="input" {...rest} {...register(name)} />}
    </Field>
  );
}

export function SelectField({ name, options, hint }: { name: FieldPath<CouponValues>; options: { value: string; label: string }[]; hint?: MessageKey }) {
  const { t } = useTranslation();
  const { register } = useFormContext<CouponValues>();
  return (
    <Field label={t(`field.${name}` as MessageKey)} error={useFieldMessage(name)} hint={hint && t(hint)}>
      <select className="input" {...register(name)}>
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  );
}

function CheckField({ name }: { name: 'is_active' }) {
  const { t } = useTranslation();
  const { register } = useFormContext<CouponValues>();
  return (
    <label className="check">
      <input type="checkbox" {...register(name)} />
      <span>
        {t(`field.${name}`)}
        <span className="field__hint" style={{ display: 'block' }}>
          {t('field.is_active.hint')}
        </span>
      </span>
    </label>
  );
}

function CheckList<V extends string | number>(props: { legend: string; options: { value: V; label: string }[]; chosen: V[]; error?: string | undefined; onChange: (chosen: V[]) => void }) {
  return (
    <fieldset className="plain-fieldset form-grid__wide">
      <legend className="field__label">{props.legend}</legend>
      <div className="row check-list">
        {props.options.map(({ value, label }) => (
          <label className="check" key={value}>
            <input
              type="checkbox"
              checked={props.chosen.includes(value)}
              onChange={(event) =>
                props.onChange(event.target.checked ? [...props.chosen, value] : props.chosen.filter((one) => one !== value))
              }
            />
            <bdi>{label}</bdi>
          </label>
        ))}
      </div>
      {props.error && (
        <div className="field__error" role="alert">
          {props.error}
        </div>
      )}
    </fieldset>
  );
}

function Consultants() {
  const { t } = useTranslation();
  const { field } = useController<CouponValues, 'consultant_restrictions'>({ name: 'consultant_restrictions' });
  const error = useFieldMessage('consultant_restrictions');
  const { data, isLoading } = couponsApi.endpoints.listConsultants.useQuery({ limit: 100 });
  const known = data?.data ?? [];
  if (!isLoading && known.length === 0) return <p className="muted small">{t('form.noConsultants')}</p>;
  return (
    <CheckList
      legend={t('field.consultant_restrictions')}
      options={known.map(({ id, name }) => ({ value: id, label: `${name} (${id})` }))}
      chosen={field.value}
      error={error}
      onChange={field.onChange}
    />
  );
}

function SessionTypes() {
  const { t } = useTranslation();
  const { field } = useController<CouponValues, 'service_type_restrictions'>({ name: 'service_type_restrictions' });
  const { data } = couponsApi.endpoints.listServices.useQuery({ limit: 100 });
  const types = [...new Set([...(data?.data.flatMap((service) => service.session_types) ?? []), ...field.value])];
  if (types.length === 0) return null;
  return (
    <CheckList
      legend={t('field.service_type_restrictions')}
      options={types.map((value) => ({ value, label: value.replaceAll('_', ' ') }))}
      chosen={field.value}
      onChange={field.onChange}
    />
  );
}

/** Whose coupon it is; of an account that is a merchant's, its own. */
function MerchantField() {
  const { t } = useTranslation();
  const { data } = couponsApi.endpoints.listMerchants.useQuery({ limit: 100, sort: 'name' }, { skip: !useCan()('directory.read') });
  const { field } = useController<CouponValues, 'merchant_id'>({ name: 'merchant_id' });
  const known = (data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }));
  const present = field.value && !known.some(({ value }) => value === field.value) ? [{ value: field.value, label: field.value }] : [];
  return <SelectField name="merchant_id" options={[{ value: '', label: t('value.none') }, ...known, ...present]} />;
}

function CampaignField() {
  const { t } = useTranslation();
  const { data } = couponsApi.endpoints.listCampaigns.useQuery({ limit: 100 });
  const { field } = useController<CouponValues, 'campaign_id'>({ name: 'campaign_id' });
  const known = (data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }));
  const present = field.value && !known.some(({ value }) => value === field.value) ? [{ value: field.value, label: field.value }] : [];
  return <SelectField name="campaign_id" options={[{ value: '', label: t('value.none') }, ...known, ...present]} />;
}
