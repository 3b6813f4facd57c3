import { Ban, CalendarClock, CircleCheck, CirclePause, Flag, Hourglass, type LucideIcon } from 'lucide-react';
import * as Ariakit from '@ariakit/react';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import type { CouponStatus } from './couponQuery';

const looks: Record<CouponStatus, { icon: LucideIcon; look: string }> = {
  active: { icon: CircleCheck, look: 'ok' },
  inactive: { icon: CirclePause, look: 'neutral' },
  scheduled: { icon: CalendarClock, look: 'info' },
  expired: { icon: Hourglass, look: 'plum' },
  limit_reached: { icon: Ban, look: 'warn' },
  flagged: { icon: Flag, look: 'danger' },
};

/** Icon, colour and text: the meaning never rests on colour alone (UI-04). */
export function CouponStatusBadge({ status }: { status: string }) {
  const { t } = useTranslation();
  const known = status in looks ? (status as CouponStatus) : 'inactive';
  const { icon: Icon, look } = looks[known];
  return (
    <Ariakit.TooltipProvider timeout={400}>
      <Ariakit.TooltipAnchor render={<span className={`badge badge--${look}`} data-status={status} />}>
        <Icon className="icon" aria-hidden />
        {t(`status.${known}`)}
      </Ariakit.TooltipAnchor>
      <Ariakit.Tooltip className="tooltip" gutter={4}>
        {t(`status.${known}.meaning` as MessageKey)}
      </Ariakit.Tooltip>
    </Ariakit.TooltipProvider>
  );
}
