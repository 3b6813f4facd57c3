import { useEffect, useRef, type ReactNode } from 'react';
import type { Pages } from '../api/usePages';
import { useTranslation } from '../i18n/i18n';
import { ErrorState, Skeletons } from './States';

/** Rows as cards that never end, on phones (A.15): the next page is asked for before the last card is reached. */
export function Endless<R>(props: { pages: Pages<R>; idOf: (row: R) => string; card: (row: R) => ReactNode; empty: ReactNode; aside?: ReactNode }) {
  const { t } = useTranslation();
  const end = useRef<HTMLDivElement>(null);
  const { pages } = props;
  const { loadMore, hasMore, isLoadingMore } = pages;
  useEffect(() => {
    const mark = end.current;
    if (!mark || !hasMore || isLoadingMore) return;
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && loadMore(), { rootMargin: '600px' });
    watch.observe(mark);
    return () => watch.disconnect();
  }, [hasMore, isLoadingMore, loadMore]);

  if (pages.isLoading) return <Skeletons lines={10} />;
  if (pages.error && pages.rows.length === 0) return <ErrorState error={pages.error} onRetry={pages.refetch} />;
  if (pages.rows.length === 0) return <div className="card">{props.empty}</div>;
  return (
    <div className="stack stack--tight">
      <div className="row row--between">
        <span className="muted small" role="status">
          {t(hasMore ? 'table.loaded' : 'table.all', { count: pages.rows.length })}
        </span>
        {props.aside}
      </div>
      <ul className="cards">
        {pages.rows.map((row) => (
          <li key={props.idOf(row)}>{props.card(row)}</li>
        ))}
      </ul>
      <div ref={end}>{isLoadingMore && <Skeletons lines={3} />}</div>
    </div>
  );
}
