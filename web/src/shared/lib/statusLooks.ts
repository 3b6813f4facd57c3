import { Ban, CalendarClock, CircleCheck, CirclePause, Flag, Hourglass, type LucideIcon } from 'lucide-react';

/** The six statuses of a coupon (CPN-04) as they are drawn: never by colour alone (UI-04). */
export const statusLooks = {
  active: { icon: CircleCheck, look: 'ok' },
  inactive: { icon: CirclePause, look: 'neutral' },
  scheduled: { icon: CalendarClock, look: 'info' },
  expired: { icon: Hourglass, look: 'plum' },
  limit_reached: { icon: Ban, look: 'warn' },
  flagged: { icon: Flag, look: 'danger' },
} as const satisfies Record<string, { icon: LucideIcon; look: string }>;
