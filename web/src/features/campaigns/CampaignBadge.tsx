import { CalendarClock, CircleCheck, Hourglass } from 'lucide-react';
import { useTranslation } from '../../shared/i18n/i18n';

const looks = {
  scheduled: { icon: CalendarClock, look: 'info' },
  active: { icon: CircleCheck, look: 'ok' },
  ended: { icon: Hourglass, look: 'plum' },
} as const;

export function CampaignBadge({ status }: { status: string }) {
  const { word } = useTranslation();
  const { icon: Icon, look } = looks[status as keyof typeof looks] ?? looks.ended;
  return (
    <span className={`badge badge--${look}`}>
      <Icon className="icon" aria-hidden />
      {word('campaignStatus', status)}
    </span>
  );
}
