import { CircleAlert, CircleCheck, CircleSlash, Hourglass, Undo2 } from 'lucide-react';
import { useTranslation } from '../../shared/i18n/i18n';

const looks = {
  queued: { icon: Hourglass, look: 'info' },
  sent: { icon: CircleCheck, look: 'ok' },
  bounced: { icon: Undo2, look: 'danger' },
  failed: { icon: CircleAlert, look: 'danger' },
  suppressed: { icon: CircleSlash, look: 'warn' },
} as const;

export type NotificationState = keyof typeof looks;
export const notificationStates = Object.keys(looks) as NotificationState[];

/** What became of a message. */
export function NotificationBadge({ state }: { state: string }) {
  const { word } = useTranslation();
  const { icon: Icon, look } = looks[state as NotificationState];
  return (
    <span className={`badge badge--${look}`}>
      <Icon className="icon" aria-hidden />
      {word('notification', state)}
    </span>
  );
}
