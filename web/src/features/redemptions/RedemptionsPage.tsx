import type { ColumnDef } from '@tanstack/react-table';
import { ReceiptText } from 'lucide-react';
import { useMemo } from 'react';
import { Outlet, useLocation, useNavigate, useParams, useSearchParams } from 'react-router';
import type { ListRedemptionsApiArg, RedemptionView } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useMedia } from '../../shared/lib/useMedia';
import { DataTable } from '../../shared/ui/DataTable';
import { Endless } from '../../shared/ui/Endless';
import { EmptyState } from '../../shared/ui/States';
import { Instant, Minor } from '../../shared/ui/Values';
import { argumentOf, readFilters, searchable } from './filters';
import { RedemptionBadge } from './RedemptionBadge';
import { redemptionsApi } from './redemptionsApi';
import { RedemptionSearch } from './RedemptionSearch';
import { RedemptionTabs } from './RedemptionTabs';
import { Totals } from './Totals';

const pageSize = 50;

/** Redemptions, newest first: found by order, coupon or customer, or as the rows of a figure (MET-24); each opens its receipt. */
export function RedemptionsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id } = useParams();
  const [params, setParams] = useSearchParams();
  const wanted = readFilters(params);
  const asked: ListRedemptionsApiArg = { limit: pageSize, ...argumentOf(wanted) };
  const pages = usePages(redemptionsApi.endpoints.listRedemptions, asked);
  const columns = useMemo<ColumnDef<RedemptionView>[]>(
    () => [
      { id: 'redeemed_at', header: t('usage.when'), meta: { width: 'minmax(170px, 1.2fr)' }, cell: ({ row }) => <Instant at={row.original.redeemed_at} /> },
      { id: 'status', header: t('column.status'), meta: { width: 'minmax(120px, 0.8fr)' }, cell: ({ row }) => <RedemptionBadge status={row.original.status} /> },
      {
        id: 'order_reference',
        header: t('usage.order'),
        meta: { width: 'minmax(130px, 1.2fr)' },
        cell: ({ row: { original } }) => (
          <span className="truncate" title={original.order_reference}>
            <bdi>{original.order_reference}</bdi>
          </span>
        ),
      },
      { id: 'coupon', header: t('redemption.coupon'), meta: { width: 'minmax(80px, 0.6fr)' }, cell: ({ row }) => <span className="num">#{row.original.coupon_id}</span> },
      { id: 'channel', header: t('redemption.channel'), meta: { width: 'minmax(100px, 0.8fr)' }, cell: ({ row }) => <span className="truncate">{row.original.channel ?? '–'}</span> },
      { id: 'amount', header: t('usage.amount'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Minor money={row.original.order_amount} /> },
      { id: 'discount', header: t('usage.discount'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Minor money={row.original.discount} /> },
      { id: 'payable', header: t('redemption.payable'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Minor money={row.original.payable} /> },
    ],
    [t],
  );
  const isPhone = useMedia('(max-width: 767px)');
  const open = (row: RedemptionView) => void navigate(`/redemptions/${row.id}${search}`);
  const isFiltered = Object.keys(wanted).length > 0;
  const empty = (
    <EmptyState
      icon={ReceiptText}
      title={t(isFiltered ? 'redemptions.noMatch' : 'redemptions.empty')}
      text={t(isFiltered ? 'redemptions.noMatch.text' : 'redemptions.empty.text')}
    />
  );
  return (
    <div className={isPhone ? 'page' : 'page page--fill tabbed-page'}>
      <header className="page__head">
        <div>
          <h1>{t('nav.redemptions')}</h1>
          <p>{t('redemptions.text')}</p>
        </div>
      </header>
      <RedemptionTabs />
      <div className="stack stack--tight">
        <RedemptionSearch key={params.toString()} wanted={wanted} names={searchable} onSearch={(next) => setParams(next)} />
        {isFiltered && <Totals wanted={wanted} />}
      </div>
      {isPhone ? (
        <Endless pages={pages} idOf={(row) => row.id} card={(row) => <Card row={row} onOpen={open} />} empty={empty} />
      ) : (
        <DataTable
          label={t('nav.redemptions')}
          columns={columns}
          pages={pages}
          idOf={(row) => row.id}
          nameOf={(row) => row.order_reference}
          rowHeight={42}
          openId={id}
          onOpen={open}
          empty={empty}
        />
      )}
      <Outlet />
    </div>
  );
}

function Card({ row, onOpen }: { row: RedemptionView; onOpen: (row: RedemptionView) => void }) {
  return (
    <button type="button" className="list-card" onClick={() => onOpen(row)}>
      <span className="row row--between">
        <strong className="anywhere">
          <bdi>{row.order_reference}</bdi>
        </strong>
        <RedemptionBadge status={row.status} />
      </span>
      <span className="row row--between">
        <span className="muted small">
          <Instant at={row.redeemed_at} />
        </span>
        <span>
          <Minor money={row.order_amount} /> − <Minor money={row.discount} />
        </span>
      </span>
    </button>
  );
}
