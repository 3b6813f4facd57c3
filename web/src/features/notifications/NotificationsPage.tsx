import { nanoid } from '@reduxjs/toolkit';
import { Mail, RotateCcw } from 'lucide-react';
import { Link } from 'react-router';
import type { NotificationView } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { Button } from '../../shared/ui/Button';
import { Customer } from '../../shared/ui/Customer';
import { Listing } from '../../shared/ui/Listing';
import { StatusSelect } from '../../shared/ui/Paged';
import { useToast } from '../../shared/ui/Toasts';
import { Instant } from '../../shared/ui/Values';
import { NotificationBadge, notificationStates } from './NotificationBadge';
import { notificationsApi } from './notificationsApi';

const pageSize = 25;
const givenUp = ['bounced', 'failed', 'suppressed'];

/** What customers are told by mail, what became of it, and sending again what was given up (NTF-07). */
export function NotificationsPage() {
  const { t, word } = useTranslation();
  const can = useCan();
  const [params, setParams] = useAddress();
  const state = notificationStates.find((one) => one === params.get('state'));
  const isLate = params.get('late') === 'true';
  const pages = usePages(notificationsApi.endpoints.listNotifications, { limit: pageSize, ...(state ? { state } : {}), ...(isLate ? { late: true } : {}) });
  const choose = (next: { state: string | undefined; late: boolean }) =>
    setParams({ ...(next.state ? { state: next.state } : {}), ...(next.late ? { late: 'true' } : {}) });
  const isFiltered = state !== undefined || isLate;
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.notifications')}</h1>
          <p>{t('notifications.text')}</p>
        </div>
      </header>
      <Listing
        title={t('notifications.list')}
        icon={Mail}
        empty={t(isFiltered ? 'notifications.none' : 'notifications.empty')}
        emptyText={t(isFiltered ? 'notifications.none.text' : 'notifications.empty.text')}
        pages={pages}
        columns={[t('filter.status'), t('notifications.coupon'), t('notifications.customer'), t('notifications.endsAt'), t('notifications.dueAt'), t('notifications.cause'), '']}
        action={
          <div className="row">
            <label className="row small">
              <input type="checkbox" checked={isLate} onChange={({ target }) => choose({ state, late: target.checked })} />
              {t('notifications.late')}
            </label>
            <StatusSelect label={t('filter.status')} statuses={notificationStates} family="notification" value={state} onChange={(next) => choose({ state: next, late: isLate })} />
          </div>
        }
        row={(message) => (
          <tr key={message.id}>
            <td>
              <NotificationBadge state={message.state} />
              <div className="muted small">
                <Instant at={message.sent_at ?? message.created_at} />
              </div>
            </td>
            <td>
              {can('coupons.read') ? (
                <Link to={`/coupons/${message.coupon_id}`}>
                  <bdi>{message.coupon_name}</bdi>
                </Link>
              ) : (
                <bdi>{message.coupon_name}</bdi>
              )}
            </td>
            <td>
              <Customer id={message.customer_id} />
            </td>
            <td>
              <Instant at={message.ends_at} />
            </td>
            <td>
              <Instant at={message.due_at} />
              {message.is_late && <div className="badge badge--danger">{t('notifications.isLate')}</div>}
            </td>
            <td className="small">
              {message.cause && word('notificationCause', message.cause)}
              {message.smtp_status && message.state !== 'sent' && <div className="muted num">{message.smtp_status}</div>}
              {message.next_attempt_at && message.attempts > 0 && (
                <div className="muted">
                  {t('notifications.next')} <Instant at={message.next_attempt_at} />
                </div>
              )}
            </td>
            <td className="end">{can('notifications.manage') && givenUp.includes(message.state) && <Replay message={message} />}</td>
          </tr>
        )}
      />
    </div>
  );
}

function Replay({ message }: { message: NotificationView }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [replay, { isLoading }] = notificationsApi.endpoints.replayNotification.useMutation();
  const again = async () => {
    const answer = await replay({ id: message.id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    toast('success', t('notifications.replayed'));
  };
  return (
    <Button size="small" icon={RotateCcw} busy={isLoading} onClick={again}>
      {t('notifications.replay')}
    </Button>
  );
}
