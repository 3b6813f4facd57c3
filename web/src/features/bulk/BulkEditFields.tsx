import { useState, type ReactNode } from 'react';
import { useTranslation } from '../../shared/i18n/i18n';
import { Field } from '../../shared/ui/Field';
import { templatesApi } from '../templates/templatesApi';

/** The fields an edit sets; what is not in it stays as it is. */
export interface BulkEdit {
  set?: {
    valid_until?: string | null;
    max_uses_total?: number | null;
    max_uses_per_user?: number;
    campaign_source?: string | null;
    notes?: string | null;
  };
  extend_days?: number;
}

type EndMode = 'keep' | 'extend' | 'set' | 'none';

/** One row a field: whether it is set, and to what. */
export function BulkEditFields({ edit, onChange }: { edit: BulkEdit; onChange: (edit: BulkEdit) => void }) {
  const { t } = useTranslation();
  const set = edit.set ?? {};
  const endMode: EndMode = edit.extend_days !== undefined ? 'extend' : 'valid_until' in set ? (set.valid_until === null ? 'none' : 'set') : 'keep';
  const change = (name: keyof NonNullable<BulkEdit['set']>, value: string | number | null | undefined) => {
    const rest = Object.entries({ ...set, [name]: value }).filter(([, kept]) => kept !== undefined);
    onChange({ ...edit, set: Object.fromEntries(rest) as NonNullable<BulkEdit['set']> });
  };
  const chooseEnd = (mode: EndMode) => {
    const next: BulkEdit = { set: { ...set } };
    delete next.set?.valid_until;
    if (mode === 'extend') next.extend_days = 30;
    if (mode === 'none') next.set = { ...next.set, valid_until: null };
    if (mode === 'set') next.set = { ...next.set, valid_until: new Date().toISOString().slice(0, 10) };
    onChange(next);
  };
  const numberOf = (text: string) => (text === '' ? null : Math.max(1, Math.trunc(Number(text))));
  return (
    <div className="stack">
      <p className="muted small">{t('bulk.edit.text')}</p>
      <TemplateField onChoose={(fields) => onChange({ ...edit, set: { ...set, ...fields } })} />
      <Field label={t('bulk.edit.end')}>
        <select className="input" value={endMode} onChange={(event) => chooseEnd(event.target.value as EndMode)}>
          {(['keep', 'extend', 'set', 'none'] as const).map((mode) => (
            <option key={mode} value={mode}>
              {t(`bulk.edit.end.${mode}`)}
            </option>
          ))}
        </select>
      </Field>
      {endMode === 'extend' && (
        <Field label={t('bulk.edit.days')}>
          <input
            className="input"
            type="number"
            min={-3650}
            max={3650}
            value={edit.extend_days ?? 0}
            onChange={(event) => onChange({ ...edit, extend_days: Math.trunc(Number(event.target.value)) })}
          />
        </Field>
      )}
      {endMode === 'set' && (
        <Field label={t('bulk.edit.lastDay')}>
          <input
            className="input"
            type="date"
            value={set.valid_until ?? ''}
            onChange={(event) => event.target.value && change('valid_until', event.target.value)}
          />
        </Field>
      )}
      <Optional
        label={t('bulkField.max_uses_total')}
        isOn={'max_uses_total' in set}
        onSwitch={(on) => change('max_uses_total', on ? null : undefined)}
      >
        <Field label={t('bulk.edit.value', { field: t('bulkField.max_uses_total') })} hint={t('bulk.edit.noLimit')}>
          <input
            className="input"
            type="number"
            min={1}
            value={set.max_uses_total ?? ''}
            onChange={(event) => change('max_uses_total', numberOf(event.target.value))}
          />
        </Field>
      </Optional>
      <Optional
        label={t('bulkField.max_uses_per_user')}
        isOn={'max_uses_per_user' in set}
        onSwitch={(on) => change('max_uses_per_user', on ? 1 : undefined)}
      >
        <Field label={t('bulk.edit.value', { field: t('bulkField.max_uses_per_user') })}>
          <input
            className="input"
            type="number"
            min={1}
            max={10}
            value={set.max_uses_per_user ?? 1}
            onChange={(event) => change('max_uses_per_user', numberOf(event.target.value) ?? 1)}
          />
        </Field>
      </Optional>
      {(['campaign_source', 'notes'] as const).map((name) => (
        <Optional key={name} label={t(`bulkField.${name}`)} isOn={name in set} onSwitch={(on) => change(name, on ? null : undefined)}>
          <Field label={t('bulk.edit.value', { field: t(`bulkField.${name}`) })} hint={t('bulk.edit.empty')}>
            <input className="input" maxLength={200} value={set[name] ?? ''} onChange={(event) => change(name, event.target.value || null)} />
          </Field>
        </Optional>
      ))}
    </div>
  );
}

/** What a template says of the fields that can be set of many (BLK-04). */
export const settableOf = (fields: Readonly<Record<string, unknown>>): NonNullable<BulkEdit['set']> =>
  Object.fromEntries(templated.filter((name) => fields[name] !== undefined && fields[name] !== null).map((name) => [name, fields[name]]));

const templated = ['max_uses_total', 'max_uses_per_user', 'campaign_source', 'notes'] as const;

/** Fills the fields below from a template; nothing where there are no templates. */
function TemplateField({ onChoose }: { onChoose: (fields: NonNullable<BulkEdit['set']>) => void }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState('');
  const { data } = templatesApi.endpoints.listTemplates.useQuery({ limit: 100, sort: 'name' });
  if (!data || data.data.length === 0) return null;
  return (
    <Field label={t('bulk.edit.template')} hint={t('bulk.edit.template.hint')}>
      <select
        className="input"
        value={chosen}
        onChange={(event) => {
          setChosen(event.target.value);
          const template = data.data.find((one) => one.id === event.target.value);
          if (template) onChoose(settableOf(template.fields as Record<string, unknown>));
        }}
      >
        <option value="">{t('bulk.edit.template.none')}</option>
        {data.data.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
    </Field>
  );
}

function Optional(props: { label: string; isOn: boolean; onSwitch: (on: boolean) => void; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className="stack stack--tight">
      <label className="check">
        <input type="checkbox" checked={props.isOn} onChange={(event) => props.onSwitch(event.target.checked)} />
        {t('bulk.edit.set', { field: props.label })}
      </label>
      {props.isOn && props.children}
    </div>
  );
}
