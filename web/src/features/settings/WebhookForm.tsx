import type { Webhook } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { tagOf } from '../../shared/api/tagOf';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Field } from '../../shared/ui/Field';
import type { labelOf } from '../../shared/ui/FormChanges';
import { useToast } from '../../shared/ui/Toasts';
import { EditDialog } from '../../shared/ui/EditDialog';
import { settingsApi } from './settingsApi';

const label: typeof labelOf = (field, t) => t(`settings.${field}` as MessageKey);
const valuesOf = (webhook: Webhook | undefined) => ({ name: webhook?.name ?? '', url: webhook?.url ?? 'https://', events: webhook?.events?.join(', ') ?? '', includes_sums: webhook?.includes_sums ?? false });

/** An address that is told of events: made, or changed. */
export function WebhookForm({ webhook, onClose }: { webhook?: Webhook; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const can = useCan();
  const [create] = settingsApi.endpoints.createWebhook.useMutation();
  const [update] = settingsApi.endpoints.updateWebhook.useMutation();
  const [read] = settingsApi.endpoints.getWebhook.useLazyQuery();
  return (
    <EditDialog
      title={webhook?.name ?? t('settings.createWebhook')}
      stored={webhook}
      valuesOf={valuesOf}
      label={label}
      read={({ id }) => read({ id })}
      save={(values, over, key) => {
        const events = values.events.split(',').map((one) => one.trim()).filter(Boolean);
        const webhookWanted = { name: values.name.trim(), url: values.url.trim(), events: events.length ? events : null, includes_sums: values.includes_sums };
        return over
          ? update({ id: over.id, 'Idempotency-Key': key, 'If-Match': tagOf(over), webhookWanted })
          : create({ 'Idempotency-Key': key, webhookWanted });
      }}
      onSaved={({ name }, isNew) => toast('success', t(isNew ? 'settings.webhookMade' : 'settings.webhookSaved', { name }))}
      onClose={onClose}
    >
      {({ values, set, errors }) => {
        const field = (name: 'name' | 'url' | 'events', hint?: MessageKey) => (
          <Field label={label(name, t)} error={errors[name]} hint={hint && t(hint)}>
            <input
              className="input"
              type={name === 'url' ? 'url' : 'text'}
              value={values[name]}
              maxLength={name === 'name' ? 200 : undefined}
              {...(name === 'name' ? { 'data-autofocus': true } : {})}
              onChange={(event) => set({ [name]: event.target.value })}
            />
          </Field>
        );
        return (
          <>
            {field('name')}
            {field('url', 'settings.url.hint')}
            {field('events', 'settings.events.hint')}
            {can('finance.read') && (
              <label className="check">
                <input type="checkbox" checked={values.includes_sums} onChange={(event) => set({ includes_sums: event.target.checked })} />
                {t('settings.includes_sums')}
              </label>
            )}
          </>
        );
      }}
    </EditDialog>
  );
}
