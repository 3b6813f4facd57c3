import type { ColumnDef } from '@tanstack/react-table';
import { ChartNoAxesColumn, Pencil } from 'lucide-react';
import { useMemo } from 'react';
import { Link, useLocation } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { rows } from '../../shared/lib/rows';
import { Drill } from '../../shared/ui/Drill';
import { Amount, Day } from '../../shared/ui/Values';
import { CouponActions } from './CouponActions';
import { ConversionCell, TypeCell, UsageCell, ValueCell, type Coupon } from './couponCells';
import { CouponStatusBadge } from './CouponStatusBadge';

/** The columns of A.2: their ids, labels, order and which of them sort. Widths are the least each may have. */
export function useCouponColumns(onOpen: (coupon: Coupon) => void): ColumnDef<Coupon>[] {
  const { t } = useTranslation();
  const can = useCan();
  const withMoney = can('finance.read');
  const canDrill = can('redemptions.read');
  return useMemo<ColumnDef<Coupon>[]>(
    () => [
      {
        id: 'code',
        header: t('column.code'),
        meta: { width: 'minmax(120px, 1.9fr)' },
        cell: ({ row: { original } }) => (
          <span className="cell--stack grow">
            <span className="code-chip truncate" title={original.code}>
              {original.code}
            </span>
            <span className="muted truncate" title={original.internal_name}>
              <bdi>{original.internal_name}</bdi>
            </span>
          </span>
        ),
      },
      { id: 'discount_type', header: t('column.discount_type'), meta: { width: '80px' }, cell: ({ row }) => <TypeCell coupon={row.original} /> },
      { id: 'discount_value', header: t('column.discount_value'), meta: { width: '80px', end: true }, cell: ({ row }) => <ValueCell coupon={row.original} /> },
      { id: 'status', header: t('column.status'), meta: { width: 'minmax(100px, 1.24fr)' }, cell: ({ row }) => <CouponStatusBadge status={row.original.status} /> },
      { id: 'usage', header: t('column.usage'), meta: { width: 'minmax(100px, 1fr)' }, cell: ({ row }) => <UsageCell coupon={row.original} to={canDrill && rows.redemptions({ coupon_id: row.original.id, status: 'redeemed' })} /> },
      ...(withMoney ? [revenue(t('column.revenue'), canDrill)] : []),
      { id: 'conversion', header: t('column.conversion'), meta: { width: 'minmax(100px, 1fr)', end: true }, cell: ({ row }) => <ConversionCell coupon={row.original} to={canDrill && rows.tries({ coupon_id: row.original.id })} /> },
      { id: 'created', header: t('column.created'), meta: { width: 'minmax(100px, 1fr)' }, cell: ({ row }) => <Day at={row.original.created_at} /> },
      {
        id: 'expires',
        header: t('column.expires'),
        meta: { width: 'minmax(100px, 1fr)' },
        cell: ({ row }) => <Day at={row.original.valid_until} otherwise={t('time.unlimited')} />,
      },
      {
        id: 'actions',
        header: t('column.actions'),
        enableSorting: false,
        meta: { width: '120px', end: true },
        cell: ({ row }) => <RowActions coupon={row.original} onOpen={onOpen} />,
      },
    ],
    [t, onOpen, withMoney, canDrill],
  );
}

/** For those who may see sums of money (ACC-03): without the permission the figure does not come. */
function revenue(header: string, canDrill: boolean): ColumnDef<Coupon> {
  return {
    id: 'revenue',
    header,
    meta: { width: 'minmax(100px, 1fr)', end: true },
    cell: ({ row: { original } }) => (
      <Drill to={canDrill && rows.money({ coupon_id: original.id }, original.currency)}>
        <Amount value={original.revenue_generated ?? 0} currency={original.currency} />
      </Drill>
    ),
  };
}

function RowActions({ coupon, onOpen }: { coupon: Coupon; onOpen: (coupon: Coupon) => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const { search } = useLocation();
  return (
    <>
      {can('coupons.write') && (
        <Link
          className="button button--quiet button--small button--icon"
          to={`/coupons/${coupon.id}/edit${search}`}
          aria-label={t('coupon.edit', { code: coupon.code })}
          title={t('action.edit')}
        >
          <Pencil className="icon" aria-hidden />
        </Link>
      )}
      <Link
        className="button button--quiet button--small button--icon"
        to={`/coupons/${coupon.id}/analytics${search}`}
        aria-label={t('coupon.analytics', { code: coupon.code })}
        title={t('coupon.tab.analytics')}
      >
        <ChartNoAxesColumn className="icon" aria-hidden />
      </Link>
      <CouponActions coupon={coupon} onOpen={onOpen} />
    </>
  );
}
