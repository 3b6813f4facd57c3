import { Plus, Webhook as WebhookIcon } from 'lucide-react';
import { useState } from 'react';
import type { Webhook } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Listing } from '../../shared/ui/Listing';
import { WebhookDrawer } from './WebhookDrawer';
import { WebhookForm } from './WebhookForm';
import { settingsApi } from './settingsApi';

/** Addresses that are told of events. */
export function Webhooks() {
  const { t } = useTranslation();
  const can = useCan();
  const pages = usePages(settingsApi.endpoints.listWebhooks, { limit: 50 });
  const [isCreating, setCreating] = useState(false);
  const [openId, setOpenId] = useState<string>();
  const [edited, setEdited] = useState<Webhook>();
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
            <Button icon={Plus} keys="n" onClick={() => setCreating(true)}>
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
      {opened && <WebhookDrawer webhook={opened} onClose={() => setOpenId(undefined)} onEdit={() => setEdited(opened)} />}
      {edited && <WebhookForm webhook={edited} onClose={() => setEdited(undefined)} />}
      {isCreating && <WebhookForm onClose={() => setCreating(false)} />}
    </>
  );
}
