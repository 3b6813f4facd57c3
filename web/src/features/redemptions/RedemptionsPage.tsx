import type { ColumnDef } from '@tanstack/react-table';
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import type { RedemptionView } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Instant, Minor } from '../../shared/ui/Values';
import { argumentOf, readFilters, searchable } from './filters';
import { FoundRows } from './FoundRows';
import { RedemptionBadge } from './RedemptionBadge';
import { redemptionsApi } from './redemptionsApi';
import { Totals } from './Totals';

const pageSize = 50;

/** Redemptions, newest first: found by order, coupon or customer, or as the rows of a figure (MET-24); each opens its receipt. */
export function RedemptionsPage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const wanted = readFilters(params);
  const pages = usePages(redemptionsApi.endpoints.listRedemptions, { limit: pageSize, ...argumentOf(wanted) });
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
      { id: 'coupon', header: t('redemption.coupon'), meta: { width: 'minmax(110px, 0.9fr)' }, cell: ({ row }) => <span className="code-chip truncate">{row.original.coupon_code}</span> },
      { id: 'channel', header: t('redemption.channel'), meta: { width: 'minmax(100px, 0.8fr)' }, cell: ({ row }) => <span className="truncate">{row.original.channel ?? '–'}</span> },
      { id: 'amount', header: t('usage.amount'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Minor money={row.original.order_amount} /> },
      { id: 'discount', header: t('usage.discount'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Minor money={row.original.discount} /> },
      { id: 'payable', header: t('redemption.payable'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Minor money={row.original.payable} /> },
    ],
    [t],
  );
  const isFiltered = Object.keys(wanted).length > 0;
  return (
    <FoundRows
      label={t('nav.redemptions')}
      text={t('redemptions.text')}
      wanted={wanted}
      names={searchable}
      totals={isFiltered && <Totals wanted={wanted} />}
      pages={pages}
      columns={columns}
      nameOf={(row) => row.order_reference}
      pathOf={(row) => `/redemptions/${row.id}`}
      card={(row, onOpen) => <Card row={row} onOpen={onOpen} />}
      empty={{
        title: t(isFiltered ? 'redemptions.noMatch' : 'redemptions.empty'),
        text: t(isFiltered ? 'redemptions.noMatch.text' : 'redemptions.empty.text'),
      }}
    />
  );
}

function Card({ row, onOpen }: { row: RedemptionView; onOpen: () => void }) {
  return (
    <button type="button" className="list-card" onClick={onOpen}>
      <span className="row row--between">
        <strong className="anywhere">
          <bdi>{row.order_reference}</bdi>
        </strong>
        <RedemptionBadge status={row.status} />
      </span>
      <span className="row row--between">
        <span className="muted small">
          <span className="code-chip">{row.coupon_code}</span> <Instant at={row.redeemed_at} />
        </span>
        <span>
          <Minor money={row.order_amount} /> − <Minor money={row.discount} />
        </span>
      </span>
    </button>
  );
}
