import type { ColumnDef } from '@tanstack/react-table';
import { TicketPercent } from 'lucide-react';
import { useMemo } from 'react';
import { Link, useNavigate } from 'react-router';
import { client, type CouponShape, type ListCouponsApiArg } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { useAddress } from '../../shared/lib/useAddress';
import { useMedia } from '../../shared/lib/useMedia';
import { statusLooks } from '../../shared/lib/statusLooks';
import { ToastChoice } from '../../shared/live/ToastChoice';
import { DataTable } from '../../shared/ui/DataTable';
import { Endless } from '../../shared/ui/Endless';
import { LiveBadge } from '../../shared/ui/LiveBadge';
import { EmptyState } from '../../shared/ui/States';
import { Day, Instant } from '../../shared/ui/Values';
import { Alerts } from './Alerts';
import { MonitoringFilters } from './MonitoringFilters';
import { monitoringApi } from './monitoringApi';
import { readWatched, toggled, watched, type Watched } from './watched';

const defaultSort = 'lastUsed_desc';
const pageSize = 50;
const statuses = ['active', 'scheduled', 'limit_reached', 'inactive', 'expired', 'flagged'] as const;

/** All coupons with their live status (OPS-01): counted, filtered, and what is unusual beside them. The view is in the address. */
export function MonitoringPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [params, setParams] = useAddress();
  const filters = readWatched(params);
  const sort = params.get('sort') ?? defaultSort;
  const asked = filters as Partial<ListCouponsApiArg>;
  const pages = usePages(client.endpoints.listCoupons, { ...asked, sort, limit: pageSize });
  const counts = monitoringApi.endpoints.countCoupons.useQuery({ ...asked, status: undefined } as typeof asked);
  const isPhone = useMedia('(max-width: 767px)');
  const columns = useColumns();
  const change = (changes: Watched & { sort?: string }) =>
    setParams((present) => {
      const next = new URLSearchParams(present);
      for (const name of [...watched, 'sort'] as const) {
        const value = changes[name];
        if (value) next.set(name, value);
        else if (name in changes) next.delete(name);
      }
      return next;
    });
  const open = (coupon: CouponShape) => void navigate(`/coupons/${coupon.id}`);
  const empty = <EmptyState icon={TicketPercent} title={t('coupons.noMatch.title')} text={t('coupons.noMatch.text')} />;
  return (
    <div className={isPhone ? 'page' : 'page page--fill list-page'}>
      <header className="page__head">
        <div>
          <h1>{t('nav.monitoring')}</h1>
          <p>{t('monitoring.text')}</p>
        </div>
        <div className="row">
          <LiveBadge />
          <ToastChoice />
        </div>
      </header>
      <div className="stack">
        <Counts counts={counts.data} chosen={filters.status} onToggle={(status) => change({ status: toggled(filters.status, status) })} />
        <MonitoringFilters
          key={watched.map((name) => name !== 'status' && filters[name]).join('|')}
          filters={filters}
          onFilter={(entered) => change({ ...Object.fromEntries(watched.map((name) => [name, ''])), ...entered })}
        />
        {filters.customer && <OfCustomer customer={filters.customer} />}
      </div>
      <div className="monitor">
        {isPhone ? (
          <Endless pages={pages} idOf={(row) => String(row.id)} card={(row) => <Card coupon={row} onOpen={open} />} empty={empty} />
        ) : (
          <DataTable
            label={t('coupons.title')}
            columns={columns}
            pages={pages}
            idOf={(row) => String(row.id)}
            nameOf={(row) => row.code}
            rowHeight={42}
            sort={sort}
            onSort={(next) => change({ sort: next })}
            onOpen={open}
            empty={empty}
          />
        )}
        <Alerts />
      </div>
    </div>
  );
}

/** How many there are of each status; each figure is a switch for the rows it counts. */
function Counts(props: { counts: Record<string, number> | undefined; chosen: string | undefined; onToggle: (status: string) => void }) {
  const { t, locale } = useTranslation();
  const chosen = (props.chosen ?? '').split(',');
  return (
    <div className="figures figures--tight" role="group" aria-label={t('filter.status')} aria-busy={!props.counts}>
      {statuses.map((status) => {
        const { icon: Icon, look } = statusLooks[status];
        return (
          <button key={status} type="button" className="figure figure--switch" aria-pressed={chosen.includes(status)} onClick={() => props.onToggle(status)}>
            <span className={`badge badge--${look}`}>
              <Icon className="icon" aria-hidden />
              {t(`status.${status}`)}
            </span>
            <span className="figure__value figure__value--small">{props.counts ? formatCount(props.counts[status] ?? 0, locale) : <span className="skeleton" />}</span>
          </button>
        );
      })}
    </div>
  );
}

/** From the coupons of a customer to what the customer did with them. */
function OfCustomer({ customer }: { customer: string }) {
  const { t } = useTranslation();
  const can = useCan();
  if (!can('redemptions.read')) return null;
  return (
    <p className="small">
      <Link to={`/redemptions?customer_id=${customer}`}>{t('monitoring.redemptionsOf')}</Link>
    </p>
  );
}

function useColumns(): ColumnDef<CouponShape>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'code',
        header: t('column.code'),
        meta: { width: 'minmax(150px, 2fr)' },
        cell: ({ row: { original } }) => (
          <span className="row truncate">
            <span className="code-chip truncate">{original.code}</span>
            <span className="muted truncate">
              <bdi>{original.internal_name}</bdi>
            </span>
          </span>
        ),
      },
      { id: 'status', header: t('column.status'), meta: { width: 'minmax(130px, 1fr)' }, cell: ({ row }) => <Status status={row.original.status} /> },
      { id: 'usage', header: t('column.usage'), meta: { width: 'minmax(100px, 0.8fr)', end: true }, cell: ({ row }) => <Uses coupon={row.original} /> },
      { id: 'lastUsed', header: t('field.lastUsed'), meta: { width: 'minmax(150px, 1.2fr)' }, cell: ({ row }) => <Instant at={row.original.lastUsed} /> },
      {
        id: 'expires',
        header: t('column.expires'),
        meta: { width: 'minmax(100px, 0.8fr)' },
        cell: ({ row }) => <Day at={row.original.valid_until} otherwise={t('time.unlimited')} />,
      },
    ],
    [t],
  );
}

function Status({ status }: { status: string }) {
  const { t } = useTranslation();
  const { icon: Icon, look } = statusLooks[status as keyof typeof statusLooks];
  return (
    <span className={`badge badge--${look}`} data-status={status}>
      <Icon className="icon" aria-hidden />
      {t(`status.${status}` as MessageKey)}
    </span>
  );
}

function Uses({ coupon }: { coupon: CouponShape }) {
  const { locale } = useTranslation();
  return (
    <span className="num">
      {formatCount(coupon.usage_count, locale)} / {coupon.max_uses_total ? formatCount(coupon.max_uses_total, locale) : '∞'}
    </span>
  );
}

function Card({ coupon, onOpen }: { coupon: CouponShape; onOpen: (coupon: CouponShape) => void }) {
  return (
    <button type="button" className="list-card" onClick={() => onOpen(coupon)}>
      <span className="row row--between">
        <span className="code-chip anywhere">{coupon.code}</span>
        <Status status={coupon.status} />
      </span>
      <span className="row row--between small">
        <span className="muted">
          <Instant at={coupon.lastUsed} />
        </span>
        <Uses coupon={coupon} />
      </span>
    </button>
  );
}
