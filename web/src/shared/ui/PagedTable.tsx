import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Pages } from '../api/usePages';
import { Paged } from './Paged';
import { Scrollable } from './Scrollable';
import { EmptyState } from './States';

export interface PagedColumn {
  text: string;
  /** At the end of its column, as figures are. */
  end?: boolean;
  /** Only read out: what is below explains itself. */
  quiet?: boolean;
}

/** A list that is read page by page, as a table with all its states. */
export function PagedTable<Row>(props: {
  label: string;
  pages: Pages<Row>;
  empty: { icon: LucideIcon; title: string; text?: string };
  columns: PagedColumn[];
  row: (row: Row) => ReactNode;
}) {
  return (
    <Paged pages={props.pages} lines={6} empty={<EmptyState {...props.empty} />}>
      <Scrollable label={props.label}>
        <table className="simple-table">
          <thead>
            <tr>
              {props.columns.map(({ text, end, quiet }) => (
                <th key={text} scope="col" className={end ? 'end' : undefined}>
                  {quiet ? <span className="visually-hidden">{text}</span> : text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{props.pages.rows.map(props.row)}</tbody>
        </table>
      </Scrollable>
    </Paged>
  );
}
