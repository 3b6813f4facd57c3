import { Inbox, KeyRound, Pencil, RotateCcw } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useState } from 'react';
import type { Webhook } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { tagOf } from '../../shared/api/tagOf';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { failureInWords } from '../../shared/lib/failure';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Instant } from '../../shared/ui/Values';
import { SecretDialog } from './SecretDialog';
import { settingsApi } from './settingsApi';

const states = ['pending', 'delivered', 'failed'] as const;
const looks = { pending: 'info', delivered: 'ok', failed: 'danger' } as const;

/** One webhook: what was sent to it and how it answered, sent again on demand; a new secret (convention 26). */
export function WebhookDrawer({ webhook, onClose, onEdit }: { webhook: Webhook; onClose: () => void; onEdit: () => void }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const [state, setState] = useState<(typeof states)[number]>();
  const [chosen, setChosen] = useState<number[]>([]);
  const [opened, setOpened] = useState<number>();
  const [secret, setSecret] = useState<string>();
  const pages = usePages(settingsApi.endpoints.listWebhookDeliveries, { id: webhook.id, limit: 25, sort: '-id' as const, ...(state ? { state } : {}) });
  const [resend] = settingsApi.endpoints.resendWebhookDeliveries.useMutation();
  const [rotate] = settingsApi.endpoints.rotateWebhookSecret.useMutation();
  const [update] = settingsApi.endpoints.updateWebhook.useMutation();
  const mayWrite = can('webhooks.write');
  const again = async () => {
    const answer = await resend({ id: webhook.id, 'Idempotency-Key': `web-${nanoid()}`, resendWanted: { delivery_ids: chosen } });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    toast('success', t('settings.resent', { count: answer.data.count }));
    setChosen([]);
  };
  const turn = async () => {
    const answer = await rotate({ id: webhook.id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    setSecret(answer.data.secret ?? '');
  };
  const toggle = async (of = webhook, isUndo = false) => {
    const answer = await update({
      id: of.id,
      'Idempotency-Key': `web-${nanoid()}`,
      'If-Match': tagOf(of),
      webhookWanted: { is_active: !of.is_active } as never,
    });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    const { data: now } = answer;
    const undo = { label: t('action.undo'), run: () => void toggle(now, true) };
    toast('success', t(now.is_active ? 'coupon.activated' : 'coupon.deactivated', { code: now.name }), isUndo ? undefined : undo);
  };
  if (secret !== undefined) return <SecretDialog title={webhook.name} secret={secret} onClose={() => setSecret(undefined)} />;
  return (
    <Dialog look="drawer" title={<bdi>{webhook.name}</bdi>} onClose={onClose}>
      <div className="stack">
        <code className="anywhere">{webhook.url}</code>
        {mayWrite && (
          <div className="row">
            <Button icon={KeyRound} onClick={turn}>
              {t(webhook.has_secret ? 'settings.rotate' : 'settings.firstSecret')}
            </Button>
            <Button icon={Pencil} onClick={onEdit}>
              {t('action.edit')}
            </Button>
            <Button onClick={() => toggle()}>{t(webhook.is_active ? 'coupon.deactivate' : 'coupon.activate')}</Button>
          </div>
        )}
        <p className="muted small">{t('settings.rotate.text')}</p>
        <div className="row row--between">
          <h3>{t('settings.deliveries')}</h3>
          <select className="input filters__select" aria-label={t('filter.status')} value={state ?? ''} onChange={(event) => setState((event.target.value || undefined) as typeof state)}>
            <option value="">{t('operations.anyStatus')}</option>
            {states.map((one) => (
              <option key={one} value={one}>
                {word('delivery', one)}
              </option>
            ))}
          </select>
        </div>
        {pages.error ? (
          <ErrorState error={pages.error} onRetry={pages.refetch} />
        ) : pages.isLoading ? (
          <Skeletons lines={4} />
        ) : pages.rows.length === 0 ? (
          <EmptyState icon={Inbox} title={t('settings.noDeliveries')} />
        ) : (
          <ul className="feed feed--flush">
            {pages.rows.map((delivery) => (
              <li key={delivery.id} className="cell--stack">
                <span className="row">
                  {mayWrite && (
                    <input
                      type="checkbox"
                      aria-label={t('table.select', { name: `${delivery.event_type} ${delivery.id}` })}
                      checked={chosen.includes(delivery.id)}
                      onChange={(event) => setChosen(event.target.checked ? [...chosen, delivery.id] : chosen.filter((one) => one !== delivery.id))}
                    />
                  )}
                  <span className={`badge badge--${looks[delivery.state as keyof typeof looks] ?? 'neutral'}`}>{word('delivery', delivery.state)}</span>
                  <code>{delivery.event_type}</code>
                  <span className="muted small">
                    <Instant at={delivery.created_at} />
                  </span>
                  <Button look="link" aria-expanded={opened === delivery.id} onClick={() => setOpened(opened === delivery.id ? undefined : delivery.id)}>
                    {t('settings.attempts', { count: delivery.attempts })}
                  </Button>
                </span>
                {opened === delivery.id && <Attempts webhook={webhook.id} delivery={delivery.id} />}
              </li>
            ))}
          </ul>
        )}
        <div className="row">
          {chosen.length > 0 && (
            <Button look="primary" icon={RotateCcw} onClick={again}>
              {t('settings.resend', { count: chosen.length })}
            </Button>
          )}
          {pages.hasMore && (
            <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
              {t('action.loadMore')}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Attempts({ webhook, delivery }: { webhook: string; delivery: number }) {
  const { t } = useTranslation();
  const { data, error, refetch } = settingsApi.endpoints.getWebhookDelivery.useQuery({ id: webhook, delivery });
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <Skeletons lines={2} />;
  if (data.attempts.length === 0) return <p className="muted small">{t('settings.noAttempts')}</p>;
  return (
    <ul className="stack stack--tight small">
      {data.attempts.map((attempt) => (
        <li key={attempt.at} className="anywhere">
          <Instant at={attempt.at} /> · {attempt.status ?? failureInWords(attempt.outcome, { t })} · {attempt.milliseconds} ms
          {attempt.answer && <pre className="answer">{attempt.answer}</pre>}
        </li>
      ))}
    </ul>
  );
}
