import type { LucideIcon } from 'lucide-react';
import { useId, type ReactNode } from 'react';
import type { Pages } from '../api/usePages';
import { useTranslation } from '../i18n/i18n';
import { LoadMore } from './Paged';
import { Scrollable } from './Scrollable';
import { EmptyState, ErrorState, Skeletons } from './States';

/** The name of a column; an object where it is more than that. */
export type Column = string | { name: string; end?: boolean };

const nameOf = (column: Column) => (typeof column === 'string' ? column : column.name);

/** A card with a short list as a table, in all its states. */
export function Listing<R>(props: {
  title: string;
  pages: Pages<R>;
  icon: LucideIcon;
  empty: string;
  emptyText?: string;
  columns: Column[];
  action?: ReactNode;
  row: (row: R) => ReactNode;
}) {
  const { t } = useTranslation();
  const { pages } = props;
  const heading = useId();
  return (
    <section className="card" aria-labelledby={heading}>
      <div className="card__head">
        <h2 id={heading}>{props.title}</h2>
        {props.action}
      </div>
      {pages.isLoading ? (
        <div className="card__body">
          <Skeletons lines={5} />
        </div>
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <EmptyState icon={props.icon} title={props.empty} text={props.emptyText} />
      ) : (
        <Scrollable labelledBy={heading}>
          <table className="simple-table">
            <thead>
              <tr>
                {props.columns.map((column, index) => (
                  <th scope="col" key={index} className={typeof column === 'object' && column.end ? 'end' : undefined}>
                    {nameOf(column) || <span className="visually-hidden">{t('action.actions')}</span>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{pages.rows.map(props.row)}</tbody>
          </table>
        </Scrollable>
      )}
      <LoadMore pages={pages} className="card__body" />
    </section>
  );
}
