import type { ColumnDef } from '@tanstack/react-table';
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import type { CouponAttempt, GetAttemptTotalsApiArg } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor } from '../../shared/lib/format';
import { Instant, Minor } from '../../shared/ui/Values';
import { AttemptBadge } from './AttemptBadge';
import { readFilters, type Filters } from './filters';
import { FoundRows } from './FoundRows';
import { redemptionsApi } from './redemptionsApi';

const pageSize = 50;
const searchable = ['coupon_code', 'customer_id', 'campaign_id', 'from', 'to'] as const;
const names = [...searchable, 'coupon_id', 'result', 'reason', 'once', 'standing'] as const;

function argumentOf(wanted: Filters): GetAttemptTotalsApiArg {
  const coupon = Number(wanted.coupon_id);
  return {
    ...(coupon > 0 ? { couponId: coupon } : {}),
    ...(wanted.coupon_code ? { couponCode: wanted.coupon_code } : {}),
    ...(wanted.customer_id ? { customerId: wanted.customer_id } : {}),
    ...(wanted.campaign_id ? { campaignId: wanted.campaign_id } : {}),
    ...(wanted.from ? { from: wanted.from } : {}),
    ...(wanted.to ? { to: wanted.to } : {}),
    ...(wanted.result ? { result: wanted.result } : {}),
    ...(wanted.reason ? { reason: wanted.reason } : {}),
    ...(wanted.once ? { once: true } : {}),
    ...(wanted.standing ? { standing: true } : {}),
  };
}

/** What was held, redeemed or refused, newest first: what rates and refusals are made of (MET-24). */
export function AttemptsPage() {
  const { t, word, locale } = useTranslation();
  const [params] = useSearchParams();
  const wanted = readFilters(params, names);
  const pages = usePages(redemptionsApi.endpoints.listAttempts, { limit: pageSize, ...argumentOf(wanted) });
  const isFiltered = Object.keys(wanted).length > 0;
  const counted = redemptionsApi.endpoints.getAttemptTotals.useQuery(argumentOf(wanted), { skip: !isFiltered });
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
      { id: 'discount', header: t('rows.discount'), meta: { width: 'minmax(90px, 0.7fr)', end: true }, cell: ({ row }) => <Minor money={row.original.discount ?? undefined} /> },
      { id: 'amount', header: t('usage.amount'), meta: { width: 'minmax(100px, 0.7fr)', end: true }, cell: ({ row }) => <Minor money={row.original.order_amount ?? undefined} /> },
    ],
    [t, word],
  );
  return (
    <FoundRows
      label={t('rows.tab.attempts')}
      text={t('rows.attempts.text')}
      wanted={wanted}
      names={searchable}
      totals={
        isFiltered && (
          <p className="small totals" role="status">
            <strong>{counted.data ? t('rows.attemptCount', { count: counted.data.count }) : '\u00a0'}</strong>
            {counted.data?.amounts.map(
              ({ currency, discounts }) =>
                discounts && (
                  <span key={currency} className="num">
                    {t('rows.discounts', { discounts: formatMinor(discounts, locale) })}
                  </span>
                ),
            )}
          </p>
        )
      }
      pages={pages}
      columns={columns}
      nameOf={(row) => row.order_reference ?? row.id}
      pathOf={(row) => `/redemptions/attempts/${row.result}/${row.id}`}
      card={(row, onOpen) => <Card row={row} onOpen={onOpen} />}
      empty={{ title: t(isFiltered ? 'rows.noAttempt' : 'rows.noAttempts'), text: t('rows.noAttempt.text') }}
    />
  );
}

function Code({ attempt }: { attempt: CouponAttempt }) {
  const { t } = useTranslation();
  return attempt.coupon_code ? <span className="code-chip truncate">{attempt.coupon_code}</span> : <span className="muted">{t('rows.noCoupon')}</span>;
}

function Card({ row, onOpen }: { row: CouponAttempt; onOpen: () => void }) {
  const { word } = useTranslation();
  return (
    <button type="button" className="list-card" onClick={onOpen}>
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
