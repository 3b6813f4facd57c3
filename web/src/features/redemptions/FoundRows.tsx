import type { ColumnDef } from '@tanstack/react-table';
import { ReceiptText } from 'lucide-react';
import type { ReactNode } from 'react';
import { Outlet, useLocation, useNavigate, useParams } from 'react-router';
import type { Pages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useMedia } from '../../shared/lib/useMedia';
import { useAddress } from '../../shared/lib/useAddress';
import { DataTable } from '../../shared/ui/DataTable';
import { Endless } from '../../shared/ui/Endless';
import { EmptyState } from '../../shared/ui/States';
import type { FilterName, Filters } from './filters';
import { RedemptionSearch } from './RedemptionSearch';
import { RedemptionTabs } from './RedemptionTabs';

interface FoundRowsProps<Row> {
  label: string;
  text: string;
  wanted: Filters;
  /** The filters that have a field. */
  names: readonly FilterName[];
  /** What the rows add up to, where they are searched. */
  totals: ReactNode;
  pages: Pages<Row>;
  columns: ColumnDef<Row>[];
  nameOf: (row: Row) => string;
  /** The address of a row's drawer. */
  pathOf: (row: Row) => string;
  card: (row: Row, onOpen: () => void) => ReactNode;
  empty: { title: string; text: string };
}

/** A page of rows that figures are made of: searched by fields, a table or cards, each row with a drawer (MET-24). */
export function FoundRows<Row extends { id: string }>(props: FoundRowsProps<Row>) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id } = useParams();
  const [params, setParams] = useAddress();
  const isPhone = useMedia('(max-width: 767px)');
  const { wanted, names, pages, pathOf } = props;
  const open = (row: Row) => void navigate(pathOf(row) + search);
  const empty = <EmptyState icon={ReceiptText} {...props.empty} />;
  return (
    <div className={isPhone ? 'page' : 'page page--fill tabbed-page'}>
      <header className="page__head">
        <div>
          <h1>{t('nav.redemptions')}</h1>
          <p>{props.text}</p>
        </div>
      </header>
      <RedemptionTabs />
      <div className="stack stack--tight">
        <RedemptionSearch key={params.toString()} wanted={wanted} names={names} onSearch={(next) => setParams(next, { asStep: true })} />
        {props.totals}
      </div>
      {isPhone ? (
        <Endless pages={pages} idOf={(row) => row.id} card={(row) => props.card(row, () => open(row))} empty={empty} />
      ) : (
        <DataTable label={props.label} columns={props.columns} pages={pages} idOf={(row) => row.id} nameOf={props.nameOf} rowHeight={42} openId={id} onOpen={open} empty={empty} />
      )}
      <Outlet />
    </div>
  );
}
