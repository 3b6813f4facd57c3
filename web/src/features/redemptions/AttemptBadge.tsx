import { CircleCheck, CircleX, Hourglass } from 'lucide-react';
import { useTranslation } from '../../shared/i18n/i18n';

const looks = {
  held: { icon: Hourglass, look: 'info' },
  redeemed: { icon: CircleCheck, look: 'ok' },
  refused: { icon: CircleX, look: 'danger' },
} as const;

/** What came of an attempt. */
export function AttemptBadge({ result }: { result: string }) {
  const { word } = useTranslation();
  const { icon: Icon, look } = looks[result as keyof typeof looks];
  return (
    <span className={`badge badge--${look}`}>
      <Icon className="icon" aria-hidden />
      {word('attempt', result)}
    </span>
  );
}
