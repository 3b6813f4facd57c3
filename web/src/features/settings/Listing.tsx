import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Pages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';

/** A short list of settings as a table, with all its states. */
export function Listing<R>(props: {
  title: string;
  pages: Pages<R>;
  icon: LucideIcon;
  empty: string;
  columns: string[];
  action?: ReactNode;
  row: (row: R) => ReactNode;
}) {
  const { t } = useTranslation();
  const { pages } = props;
  return (
    <section className="card" aria-label={props.title}>
      <div className="card__head">
        <h2>{props.title}</h2>
        {props.action}
      </div>
      {pages.isLoading ? (
        <div className="card__body">
          <Skeletons lines={5} />
        </div>
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <EmptyState icon={props.icon} title={props.empty} />
      ) : (
        // Scrollable, so reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className="scroll-x" tabIndex={0} role="group" aria-label={props.title}>
          <table className="simple-table">
            <thead>
              <tr>
                {props.columns.map((column, index) => (
                  <th scope="col" key={index}>
                    {column || <span className="visually-hidden">{t('action.actions')}</span>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{pages.rows.map(props.row)}</tbody>
          </table>
        </div>
      )}
      {pages.hasMore && (
        <div className="card__body">
          <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
            {t('action.loadMore')}
          </Button>
        </div>
      )}
    </section>
  );
}
