import { zodResolver } from '@hookform/resolvers/zod';
import { nanoid } from '@reduxjs/toolkit';
import { useRef } from 'react';
import { useForm, type FieldPath } from 'react-hook-form';
import { useNavigate, useParams } from 'react-router';
import { z } from '../../shared/lib/zod';
import type { Campaign, CampaignWanted } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { decimalsOf } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { campaignsApi } from './campaignsApi';

const channels = ['', 'email', 'social', 'paid_ads', 'organic'] as const;
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
  };
}

export function CampaignFormPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { id } = useParams();
  const { data, error, refetch } = campaignsApi.endpoints.getCampaign.useQuery({ id: id ?? '' }, { skip: !id, refetchOnMountOrArgChange: true });
  const close = (open?: string) => void navigate(open ? `/campaigns/${encodeURIComponent(open)}` : '/campaigns');
  if (id && !data) {
    return (
      <Dialog look="wide" title={t('nav.campaigns')} onClose={() => close()}>
        {error ? <ErrorState error={error} onRetry={refetch} /> : <Skeletons lines={8} />}
      </Dialog>
    );
  }

  return <CampaignForm key={data?.version ?? 'new'} stored={data} onClose={close} />;
}

function CampaignForm({ stored, onClose }: { stored: Campaign | undefined; onClose: (open?: string) => void }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [create] = campaignsApi.endpoints.createCampaign.useMutation();
  const [replace] = campaignsApi.endpoints.replaceCampaign.useMutation();
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: valuesOf(stored), mode: 'onTouched' });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    const campaignWanted = wantedOf(values, stored);
    const answer = stored
      ? await replace({ id: stored.id, 'If-Match': `"${stored.version}"`, campaignWanted })
      : await create({ 'Idempotency-Key': key.current, campaignWanted });
    if (answer.data) {
      toast('success', t('campaign.saved', { name: answer.data.name }));
      onClose(answer.data.id);
      return;
    }

    const problem = problemOf(answer.error);
    if (problem) key.current = `web-${nanoid()}`;
    for (const { field, message } of problem?.errors ?? []) {
      const name = (field.startsWith('attribution.') ? field.slice('attribution.'.length) : field.split('.')[0]) as FieldPath<Values>;
      if (name in form.getValues()) form.setError(name, { message });
    }

    form.setError('root', { message: problem?.status === 412 ? t('conflict.title') : messageOf(answer.error, t) });
  });
  const text = (message: string | undefined) => (message?.startsWith('rule.') ? t(message as MessageKey) : message);
  const input = (name: FieldPath<Values>, rest: Record<string, unknown> = {}) => (
    <Field label={t(`campaign.field.${name}` as MessageKey)} error={text(errors[name]?.message)}>
      <input className="input" {...rest} {...form.register(name)} />
    </Field>
  );
  return (
    <Dialog
      look="wide"
      title={t(stored ? 'campaigns.edit' : 'campaigns.create')}
      onClose={() => onClose(stored?.id)}
      foot={
        <>
          <div className="grow">{errors.root?.message && <FieldError text={errors.root.message} />}</div>
          <Button onClick={() => onClose(stored?.id)}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isSubmitting} onClick={() => submit()}>
            {t(stored ? 'action.save' : 'action.create')}
          </Button>
        </>
      }
    >
      <form
        className="form-grid"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
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
        {input('budget_uses', { type: 'number', min: 1 })}
        <Field label={t('campaign.field.marketing_channel')} error={text(errors.marketing_channel?.message)}>
          <select className="input" {...form.register('marketing_channel')}>
            {channels.map((channel) => (
              <option key={channel} value={channel}>
                {channel ? word('marketingChannel', channel) : t('value.none')}
              </option>
            ))}
          </select>
        </Field>
        {input('utm_source')}
        {input('utm_medium')}
        {input('utm_campaign')}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
