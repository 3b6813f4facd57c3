import { useAppSelector } from '../api/store';
import { useTranslation } from '../i18n/i18n';

/** Says whether what is shown is of now, or since when it is not. */
export function LiveBadge() {
  const { t, locale } = useTranslation();
  const { status, heardAt } = useAppSelector((state) => state.live);
  if (status === 'off') return null;
  const isStale = status === 'stale';
  const since = new Date(heardAt).toLocaleTimeString(locale);
  return (
    <span className={`staleness${isStale ? ' staleness--late' : ''}`} role="status">
      <span className="staleness__dot" aria-hidden />
      {isStale ? t('live.stale', { time: since }) : t('live.fresh')}
    </span>
  );
}
