import type { Pages } from '../api/usePages';
import { useTranslation } from '../i18n/i18n';

/** Says whether what is shown is of now, or since when it is not. */
export function LiveBadge<Row>({ pages }: { pages: Pages<Row> }) {
  const { t, locale } = useTranslation();
  if (pages.freshAt === undefined) return null;
  const isStale = pages.error !== undefined;
  const since = new Date(pages.freshAt).toLocaleTimeString(locale);
  return (
    <span className={`staleness${isStale ? ' staleness--late' : ''}`} role="status">
      <span className="staleness__dot" aria-hidden />
      {isStale ? t('live.stale', { time: since }) : t('live.fresh')}
    </span>
  );
}
