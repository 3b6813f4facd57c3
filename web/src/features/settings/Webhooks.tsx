import { Plus, Webhook as WebhookIcon } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import { Listing } from './Listing';
import { WebhookDrawer } from './WebhookDrawer';
import { settingsApi } from './settingsApi';

/** Addresses that are told of events. */
export function Webhooks() {
  const { t } = useTranslation();
  const can = useCan();
  const pages = usePages(settingsApi.endpoints.listWebhooks, { limit: 50 });
  const [isCreating, setCreating] = useState(false);
  const [openId, setOpenId] = useState<string>();
  const opened = pages.rows.find(({ id }) => id === openId);
  return (
    <>
      <Listing
        title={t('settings.webhooks')}
        icon={WebhookIcon}
        empty={t('settings.noWebhooks')}
        pages={pages}
        columns={[t('settings.name'), t('settings.url'), t('settings.events'), t('filter.status'), '']}
        action={
          can('webhooks.write') && (
            <Button icon={Plus} onClick={() => setCreating(true)}>
              {t('settings.createWebhook')}
            </Button>
          )
        }
        row={(webhook) => (
          <tr key={webhook.id}>
            <td>
              <bdi>{webhook.name}</bdi>
            </td>
            <td>
              <code>{webhook.url}</code>
            </td>
            <td className="small">{webhook.events?.join(', ') ?? t('settings.allEvents')}</td>
            <td>
              <span className={`badge badge--${webhook.is_active ? 'ok' : 'warn'}`}>{t(webhook.is_active ? 'status.active' : 'status.inactive')}</span>
              {webhook.disabled_reason && <div className="small muted">{webhook.disabled_reason}</div>}
            </td>
            <td className="end">
              <Button size="small" onClick={() => setOpenId(webhook.id)} aria-label={`${t('settings.open')}: ${webhook.name}`}>
                {t('settings.open')}
              </Button>
            </td>
          </tr>
        )}
      />
      {opened && <WebhookDrawer webhook={opened} onClose={() => setOpenId(undefined)} />}
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [name, setName] = useState('');
  const [url, setUrl] = useState('https://');
  const [events, setEvents] = useState('');
  const [failure, setFailure] = useState<string>();
  const [create, { isLoading }] = settingsApi.endpoints.createWebhook.useMutation();
  const run = async () => {
    const wanted = events.split(',').map((one) => one.trim()).filter(Boolean);
    const answer = await create({ 'Idempotency-Key': key.current, webhookWanted: { name: name.trim(), url: url.trim(), events: wanted.length ? wanted : null } });
    if (answer.error) {
      key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t('settings.webhookMade', { name: answer.data.name }));
    onClose();
  };
  return (
    <Dialog
      title={t('settings.createWebhook')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isLoading} onClick={run}>
            {t('action.create')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label={t('settings.name')}>
          <input className="input" value={name} maxLength={200} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t('settings.url')} hint={t('settings.url.hint')}>
          <input className="input" type="url" value={url} onChange={(event) => setUrl(event.target.value)} />
        </Field>
        <Field label={t('settings.events')} hint={t('settings.events.hint')}>
          <input className="input" value={events} onChange={(event) => setEvents(event.target.value)} />
        </Field>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
