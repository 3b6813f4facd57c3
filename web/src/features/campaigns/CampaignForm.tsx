import { zodResolver } from '@hookform/resolvers/zod';
import { nanoid } from '@reduxjs/toolkit';
import { useMemo, useRef, useState } from 'react';
import { useForm, useWatch, type FieldPath } from 'react-hook-form';
import { useNavigate, useParams } from 'react-router';
import { z } from '../../shared/lib/zod';
import type { Campaign, CampaignWanted } from '../../shared/api/client.generated';
import { faultsOf, messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { decimalsOf } from '../../shared/lib/format';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import { changesOf, wordsOf, type labelOf } from '../../shared/ui/FormChanges';
import { FormDialog } from '../../shared/ui/FormDialog';
import { SideBySide } from '../../shared/ui/SideBySide';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { useUnsaved } from '../../shared/ui/Unsaved';
import { campaignsApi } from './campaignsApi';

const channels = ['', 'email', 'social', 'paid_ads', 'organic'] as const;
const overflows = ['reject', 'clip'] as const;
const optionalNumber = z.string().refine((text) => text.trim() === '' || Number(text) > 0, 'rule.positive');

const schema = z
  .object({
    id: z.string().regex(/^[A-Za-z0-9._-]{0,100}$/, 'rule.campaign.id'),
    name: z.string().trim().min(1, 'rule.required').max(200, 'rule.internal_name.long'),
    description: z.string(),
    start_date: z.string().min(1, 'rule.required'),
    end_date: z.string(),
    time_zone: z.string().trim().min(1, 'rule.required'),
    utm_source: z.string(),
    utm_medium: z.string(),
    utm_campaign: z.string(),
    marketing_channel: z.enum(channels),
    budget: optionalNumber,
    currency: z.string().regex(/^[A-Z]{3}$/, 'rule.currency'),
    budget_uses: optionalNumber,
    budget_on_overflow: z.enum(overflows),
  })
  .refine(({ start_date, end_date }) => !end_date || end_date >= start_date, { path: ['end_date'], message: 'rule.campaign.end' });
type Values = z.infer<typeof schema>;

const dayIn = (iso: string, zone: string, back = 0) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(new Date(iso).getTime() - back));

function valuesOf(campaign: Campaign | undefined): Values {
  const currency = campaign?.budget?.currency ?? 'EUR';
  const zone = campaign?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return {
    id: campaign?.id ?? '',
    name: campaign?.name ?? '',
    description: campaign?.description ?? '',
    start_date: campaign ? dayIn(campaign.start_date, zone) : dayIn(new Date().toISOString(), zone),
    end_date: campaign?.end_date ? dayIn(campaign.end_date, zone, 1) : '',
    time_zone: zone,
    utm_source: campaign?.attribution.utm_source ?? '',
    utm_medium: campaign?.attribution.utm_medium ?? '',
    utm_campaign: campaign?.attribution.utm_campaign ?? '',
    marketing_channel: channels.find((one) => one === campaign?.attribution.marketing_channel) ?? '',
    budget: campaign?.budget ? String(campaign.budget.amount / 10 ** decimalsOf(currency)) : '',
    currency,
    budget_uses: campaign?.budget_uses ? String(campaign.budget_uses) : '',
    budget_on_overflow: overflows.find((one) => one === campaign?.budget_on_overflow) ?? 'reject',
  };
}

/** Days that were not touched keep their exact instants. */
function wantedOf(values: Values, stored: Campaign | undefined): CampaignWanted {
  const before = valuesOf(stored);
  return {
    id: values.id || null,
    name: values.name.trim(),
    description: values.description,
    start_date: stored && before.start_date === values.start_date ? stored.start_date : values.start_date,
    end_date: stored && before.end_date === values.end_date ? stored.end_date : values.end_date || null,
    time_zone: values.time_zone,
    merchant_id: stored?.merchant_id ?? null,
    attribution: {
      utm_source: values.utm_source || null,
      utm_medium: values.utm_medium || null,
      utm_campaign: values.utm_campaign || null,
      marketing_channel: values.marketing_channel || null,
    },
    budget: values.budget.trim() ? { amount: Math.round(Number(values.budget) * 10 ** decimalsOf(values.currency)), currency: values.currency } : null,
    budget_uses: values.budget_uses.trim() ? Number(values.budget_uses) : null,
    budget_on_overflow: values.budget_on_overflow,
  };
}

export function CampaignFormPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { id } = useParams();
  const { data, error, refetch } = campaignsApi.endpoints.getCampaign.useQuery({ id: id ?? '' }, { skip: !id, refetchOnMountOrArgChange: true });
  const [opened, setOpened] = useState<Campaign>();
  const close = (open?: string) => void navigate(open ? `/campaigns/${encodeURIComponent(open)}` : '/campaigns');
  if (id && !data) {
    return (
      <Dialog look="wide" title={t('nav.campaigns')} onClose={() => close()}>
        {error ? <ErrorState error={error} onRetry={refetch} /> : <Skeletons lines={8} />}
      </Dialog>
    );
  }

  // Once something is entered the form stays with what was opened, whatever happens to the campaign meanwhile.
  const stored = opened ?? data;
  return <CampaignForm key={stored?.version ?? 'new'} stored={stored} onBegin={() => setOpened(stored)} onClose={close} />;
}

function CampaignForm({ stored, onBegin, onClose }: { stored: Campaign | undefined; onBegin: () => void; onClose: (open?: string) => void }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [base, setBase] = useState(stored);
  const [theirs, setTheirs] = useState<Campaign>();
  const [initial] = useState(() => valuesOf(stored));
  const [create] = campaignsApi.endpoints.createCampaign.useMutation();
  const [replace] = campaignsApi.endpoints.replaceCampaign.useMutation();
  const [read] = campaignsApi.endpoints.getCampaign.useLazyQuery();
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: initial, mode: 'onTouched' });
  const values = useWatch({ control: form.control }) as Values;
  const changes = useMemo(() => changesOf(initial, values), [initial, values]);
  const unsaved = useUnsaved(changes.length > 0, () => onClose(stored?.id));
  const { errors, isSubmitting } = form.formState;
  const restore = async (before: Campaign, { id, version }: Campaign) => {
    const answer = await replace({ id, 'If-Match': `"${version}"`, campaignWanted: wantedOf(valuesOf(before), before) });
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('form.restored', { code: before.name }));
  };
  const save = async (values: Values, over: Campaign | undefined) => {
    const campaignWanted = wantedOf(values, over);
    const answer = over
      ? await replace({ id: over.id, 'If-Match': `"${over.version}"`, campaignWanted })
      : await create({ 'Idempotency-Key': key.current, campaignWanted });
    if (answer.data) {
      unsaved.release();
      const saved = answer.data;
      toast('success', t('campaign.saved', { name: saved.name }), over && { label: t('action.undo'), run: () => void restore(over, saved) });
      onClose(answer.data.id);
      return;
    }

    const problem = problemOf(answer.error);
    if (over && problem?.status === 412) {
      const now = await read({ id: over.id });
      if (now.data) return setTheirs(now.data);
    }

    if (problem) key.current = `web-${nanoid()}`;
    for (const { field, message } of faultsOf(answer.error, t)) {
      const name = (field.startsWith('attribution.') ? field.slice('attribution.'.length) : field.split('.')[0]) as FieldPath<Values>;
      if (name in form.getValues()) form.setError(name, { message });
    }

    form.setError('root', { message: messageOf(answer.error, t) });
  };
  const submit = form.handleSubmit((entered) => save(entered, base));
  const text = (message: string | undefined) => (message?.startsWith('rule.') ? t(message as MessageKey) : message);
  const input = (name: FieldPath<Values>, rest: Record<string, unknown> = {}) => (
    <Field label={t(`campaign.field.${name}` as MessageKey)} error={text(errors[name]?.message)}>
      <input className="input" {...rest} {...form.register(name)} />
    </Field>
  );
  const select = (name: 'budget_on_overflow' | 'marketing_channel', options: { value: string; label: string }[]) => (
    <Field label={t(`campaign.field.${name}`)} error={text(errors[name]?.message)}>
      <select className="input" {...form.register(name)}>
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  );
  return (
    <FormDialog
      look="wide"
      layout="form-grid"
      title={t(stored ? 'campaigns.edit' : 'campaigns.create')}
      changes={changes}
      label={campaignLabel}
      failure={errors.root?.message}
      isNew={!stored}
      isBusy={isSubmitting}
      onBegin={onBegin}
      onSubmit={() => submit()}
      onClose={unsaved.close}
      over={
        <>
          {unsaved.question}
          {theirs && (
            <SideBySide
              rows={changesOf(valuesOf(theirs), form.getValues()).map(({ field, from, to }) => ({ label: campaignLabel(field, t), mine: wordsOf(to, t), theirs: wordsOf(from, t) }))}
              onClose={() => {
                // What is edited on replaces what is stored now, knowingly.
                setBase(theirs);
                setTheirs(undefined);
              }}
              onKeepMine={() => {
                setBase(theirs);
                setTheirs(undefined);
                return save(form.getValues(), theirs);
              }}
              onTakeTheirs={() => {
                unsaved.release();
                onClose(theirs.id);
              }}
            />
          )}
        </>
      }
    >
      {input('name', { 'data-autofocus': true })}
      {input('id', { readOnly: stored !== undefined, className: 'input input--mono' })}
      <div className="form-grid__wide">
        <Field label={t('campaign.field.description')} error={text(errors.description?.message)}>
          <textarea className="input" rows={2} {...form.register('description')} />
        </Field>
      </div>
      {input('start_date', { type: 'date' })}
      {input('end_date', { type: 'date' })}
      {input('time_zone')}
      {input('budget', { type: 'number', min: 0, step: 'any' })}
      {input('currency')}
      {select('budget_on_overflow', overflows.map((one) => ({ value: one, label: word('budgetOverflow', one) })))}
      {input('budget_uses', { type: 'number', min: 1 })}
      {select('marketing_channel', channels.map((one) => ({ value: one, label: one ? word('marketingChannel', one) : t('value.none') })))}
      {input('utm_source')}
      {input('utm_medium')}
      {input('utm_campaign')}
    </FormDialog>
  );
}

const campaignLabel: typeof labelOf = (field, t) => t(`campaign.field.${field}` as MessageKey);
