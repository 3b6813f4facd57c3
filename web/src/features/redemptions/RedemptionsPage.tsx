import type { ColumnDef } from '@tanstack/react-table';
import { ReceiptText } from 'lucide-react';
import { useMemo, useState, type FormEvent } from 'react';
import { Outlet, useLocation, useNavigate, useParams, useSearchParams } from 'react-router';
import type { RedemptionView } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { DataTable } from '../../shared/ui/DataTable';
import { Field, FieldError } from '../../shared/ui/Field';
import { EmptyState } from '../../shared/ui/States';
import { Instant, Minor } from '../../shared/ui/Values';
import { redemptionsApi } from './redemptionsApi';
import { RedemptionBadge } from './RedemptionBadge';

const pageSize = 50;
const searchable = ['order_reference', 'coupon_id', 'customer_id'] as const;

/** Redemptions, newest first: found by order, coupon or customer; each opens its receipt. */
export function RedemptionsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id } = useParams();
  const [params, setParams] = useSearchParams();
  const wanted = Object.fromEntries(searchable.flatMap((name) => (params.get(name) ? [[name, params.get(name) ?? '']] : [])));
  const coupon = wanted.coupon_id ? Number(wanted.coupon_id) : undefined;
  const pages = usePages(redemptionsApi.endpoints.listRedemptions, {
    limit: pageSize,
    ...(wanted.order_reference ? { order_reference: wanted.order_reference } : {}),
    ...(wanted.customer_id ? { customer_id: wanted.customer_id } : {}),
    ...(coupon ? { coupon_id: coupon } : {}),
  });
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
  const isFiltered = Object.keys(wanted).length > 0;
  return (
    <div className="page page--fill list-page">
      <header className="page__head">
        <div>
          <h1>{t('nav.redemptions')}</h1>
          <p>{t('redemptions.text')}</p>
        </div>
      </header>
      <Search key={params.toString()} wanted={wanted} onSearch={(next) => setParams(next)} />
      <DataTable
        label={t('nav.redemptions')}
        columns={columns}
        pages={pages}
        idOf={(row) => row.id}
        nameOf={(row) => row.order_reference}
        rowHeight={42}
        openId={id}
        onOpen={(row) => navigate(`/redemptions/${row.id}${search}`)}
        empty={
          <EmptyState
            icon={ReceiptText}
            title={t(isFiltered ? 'redemptions.noMatch' : 'redemptions.empty')}
            text={t(isFiltered ? 'redemptions.noMatch.text' : 'redemptions.empty.text')}
          />
        }
      />
      <Outlet />
    </div>
  );
}

function Search({ wanted, onSearch }: { wanted: Record<string, string>; onSearch: (wanted: Record<string, string>) => void }) {
  const { t } = useTranslation();
  const [error, setError] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value));
    const isBad = entered.customer_id && !/^[0-9a-f-]{36}$/i.test(entered.customer_id);
    setError(isBad ? t('redemptions.customerRule') : undefined);
    if (!isBad) onSearch(entered);
  };
  return (
    <form className="filters" role="search" onSubmit={submit} noValidate>
      {searchable.map((name) => (
        <div className="filters__field" key={name}>
          <Field label={t(`redemptions.by.${name}`)}>
            <input className="input" name={name} defaultValue={wanted[name] ?? ''} {...(name === 'coupon_id' ? { inputMode: 'numeric', pattern: '[0-9]*' } : {})} />
          </Field>
        </div>
      ))}
      <div className="filters__buttons">
        <Button type="submit" look="primary">
          {t('redemptions.search')}
        </Button>
        {Object.keys(wanted).length > 0 && <Button onClick={() => onSearch({})}>{t('action.clear')}</Button>}
      </div>
      {error && <FieldError text={error} />}
    </form>
  );
}
