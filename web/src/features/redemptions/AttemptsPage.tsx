import type { ColumnDef } from '@tanstack/react-table';
import { ReceiptText } from 'lucide-react';
import { useMemo } from 'react';
import { Outlet, useLocation, useNavigate, useParams, useSearchParams } from 'react-router';
import type { CouponAttempt, GetAttemptTotalsApiArg, ListAttemptsApiArg } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useMedia } from '../../shared/lib/useMedia';
import { DataTable } from '../../shared/ui/DataTable';
import { Endless } from '../../shared/ui/Endless';
import { EmptyState } from '../../shared/ui/States';
import { Instant, Minor } from '../../shared/ui/Values';
import { AttemptBadge } from './AttemptBadge';
import { readFilters, type Filters } from './filters';
import { redemptionsApi } from './redemptionsApi';
import { RedemptionSearch } from './RedemptionSearch';
import { RedemptionTabs } from './RedemptionTabs';

const pageSize = 50;
const searchable = ['coupon_id', 'customer_id', 'campaign_id', 'from', 'to'] as const;
const names = [...searchable, 'result', 'reason', 'once'] as const;

function argumentOf(wanted: Filters): GetAttemptTotalsApiArg {
  const coupon = Number(wanted.coupon_id);
  return {
    ...(coupon > 0 ? { couponId: coupon } : {}),
    ...(wanted.customer_id ? { customerId: wanted.customer_id } : {}),
    ...(wanted.campaign_id ? { campaignId: wanted.campaign_id } : {}),
    ...(wanted.from ? { from: wanted.from } : {}),
    ...(wanted.to ? { to: wanted.to } : {}),
    ...(wanted.result ? { result: wanted.result } : {}),
    ...(wanted.reason ? { reason: wanted.reason } : {}),
    ...(wanted.once ? { once: true } : {}),
  };
}

/** What was held, redeemed or refused, newest first: what rates and refusals are made of (MET-24). */
export function AttemptsPage() {
  const { t, word } = useTranslation();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id } = useParams();
  const [params, setParams] = useSearchParams();
  const wanted = readFilters(params, names);
  const asked: ListAttemptsApiArg = { limit: pageSize, ...argumentOf(wanted) };
  const pages = usePages(redemptionsApi.endpoints.listAttempts, asked);
  const isFiltered = Object.keys(wanted).length > 0;
  const counted = redemptionsApi.endpoints.getAttemptTotals.useQuery(argumentOf(wanted), { skip: !isFiltered });
  const isPhone = useMedia('(max-width: 767px)');
  const columns = useMemo<ColumnDef<CouponAttempt>[]>(
    () => [
      { id: 'attempted_at', header: t('usage.when'), meta: { width: 'minmax(170px, 1.2fr)' }, cell: ({ row }) => <Instant at={row.original.attempted_at} /> },
      { id: 'result', header: t('column.status'), meta: { width: 'minmax(120px, 0.8fr)' }, cell: ({ row }) => <AttemptBadge result={row.original.result} /> },
      {
        id: 'reason',
        header: t('rows.by.reason'),
        meta: { width: 'minmax(150px, 1.4fr)' },
        cell: ({ row: { original } }) => <span className="truncate">{original.reason ? word('refusal', original.reason) : '–'}</span>,
      },
      { id: 'code', header: t('redemption.coupon'), meta: { width: 'minmax(120px, 1fr)' }, cell: ({ row }) => <Code attempt={row.original} /> },
      {
        id: 'order_reference',
        header: t('usage.order'),
        meta: { width: 'minmax(120px, 1fr)' },
        cell: ({ row: { original } }) => (
          <span className="truncate" title={original.order_reference ?? ''}>
            <bdi>{original.order_reference ?? '–'}</bdi>
          </span>
        ),
      },
      { id: 'channel', header: t('redemption.channel'), meta: { width: 'minmax(90px, 0.7fr)' }, cell: ({ row }) => <span className="truncate">{row.original.channel ?? '–'}</span> },
      { id: 'amount', header: t('usage.amount'), meta: { width: 'minmax(100px, 0.7fr)', end: true }, cell: ({ row }) => <Minor money={row.original.order_amount ?? undefined} /> },
    ],
    [t, word],
  );
  const open = (row: CouponAttempt) => void navigate(`/redemptions/attempts/${row.result}/${row.id}${search}`);
  const empty = <EmptyState icon={ReceiptText} title={t(isFiltered ? 'rows.noAttempt' : 'rows.noAttempts')} text={t('rows.noAttempt.text')} />;
  return (
    <div className={isPhone ? 'page' : 'page page--fill tabbed-page'}>
      <header className="page__head">
        <div>
          <h1>{t('nav.redemptions')}</h1>
          <p>{t('rows.attempts.text')}</p>
        </div>
      </header>
      <RedemptionTabs />
      <div className="stack stack--tight">
        <RedemptionSearch key={params.toString()} wanted={wanted} names={searchable} onSearch={(next) => setParams(next)} />
        {isFiltered && (
          <p className="small totals" role="status">
            <strong>{counted.data ? t('rows.attemptCount', { count: counted.data.count }) : '\u00a0'}</strong>
          </p>
        )}
      </div>
      {isPhone ? (
        <Endless pages={pages} idOf={(row) => row.id} card={(row) => <Card row={row} onOpen={open} />} empty={empty} />
      ) : (
        <DataTable
          label={t('rows.tab.attempts')}
          columns={columns}
          pages={pages}
          idOf={(row) => row.id}
          nameOf={(row) => row.order_reference ?? row.id}
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

function Code({ attempt }: { attempt: CouponAttempt }) {
  const { t } = useTranslation();
  return attempt.coupon_code ? <span className="code-chip truncate">{attempt.coupon_code}</span> : <span className="muted">{t('rows.noCoupon')}</span>;
}

function Card({ row, onOpen }: { row: CouponAttempt; onOpen: (row: CouponAttempt) => void }) {
  const { word } = useTranslation();
  return (
    <button type="button" className="list-card" onClick={() => onOpen(row)}>
      <span className="row row--between">
        <Code attempt={row} />
        <AttemptBadge result={row.result} />
      </span>
      <span className="row row--between small">
        <span className="muted">
          <Instant at={row.attempted_at} />
        </span>
        {row.reason ? <span className="anywhere">{word('refusal', row.reason)}</span> : <Minor money={row.order_amount ?? undefined} />}
      </span>
    </button>
  );
}
