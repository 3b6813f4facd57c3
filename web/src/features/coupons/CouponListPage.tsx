import { Plus, TicketPercent } from 'lucide-react';
import { useCallback, useDeferredValue, useEffect, useMemo, useState } from 'react';
import { Link, Outlet, useLocation, useNavigate, useParams } from 'react-router';
import { useAppDispatch, useAppSelector, useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { sortChosen } from '../../shared/lib/prefs';
import { useMedia } from '../../shared/lib/useMedia';
import { useAddress } from '../../shared/lib/useAddress';
import { Key } from '../../shared/ui/Button';
import { DataTable } from '../../shared/ui/DataTable';
import { LiveBadge } from '../../shared/ui/LiveBadge';
import { EmptyState } from '../../shared/ui/States';
import { BulkBar, BulkMenu } from '../bulk/BulkBar';
import { TemplateButton } from '../templates/TemplateButton';
import { CouponCards } from './CouponCards';
import { CouponFilters } from './CouponFilters';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { defaultSort, listArgument, listName, readFilters, withoutFilters } from './couponQuery';
import { couponsApi } from './couponsApi';
import type { Coupon } from './couponCells';
import { useCouponColumns } from './couponColumns';
import { SavedViews } from './SavedViews';

const idOf = (coupon: Coupon) => String(coupon.id);
const codeOf = (coupon: Coupon) => coupon.code;

/** The list of coupons; the drawer and the form of one open over it, and the view is in the address. */
export function CouponListPage() {
  const { t } = useTranslation();
  const can = useCan();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const location = useLocation();
  const { id: openId } = useParams();
  const [params, setParams] = useAddress();
  const likedSort = useAppSelector((state) => state.prefs.sorts[listName]);
  const isPhone = useMedia('(max-width: 767px)');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const filters = useMemo(() => readFilters(params), [params]);
  const sort = params.get('sort') ?? likedSort ?? defaultSort;
  const argument = useDeferredValue(useMemo(() => listArgument(filters, sort), [filters, sort]));
  const pages = usePages(couponsApi.endpoints.listCoupons, argument);
  const isFiltered = Object.keys(filters).length > 0;
  const open = useCallback((coupon: Coupon) => navigate(`/coupons/${coupon.id}${location.search}`), [navigate, location.search]);
  const columns = useCouponColumns(open);

  // What no longer matches is not selected either.
  useEffect(() => setSelected(new Set()), [argument]);

  const empty = isFiltered ? (
    <EmptyState
      icon={TicketPercent}
      title={t('coupons.noMatch.title')}
      text={t('coupons.noMatch.text')}
      action={
        <button type="button" className="button" onClick={() => setParams(withoutFilters)}>
          {t('coupons.clearFilters')}
        </button>
      }
    />
  ) : (
    <EmptyState
      icon={TicketPercent}
      title={t('coupons.empty.title')}
      text={t('coupons.empty.text')}
      action={
        can('coupons.write') && (
          <Link className="button button--primary" to="/coupons/new">
            {t('coupons.create')}
          </Link>
        )
      }
    />
  );

  return (
    <div className={isPhone ? 'page' : 'page page--fill tabbed-page'}>
      <header className="page__head">
        <h1>{t('coupons.title')}</h1>
        <div className="row">
          <LiveBadge />
          <SavedViews list={listName} />
          <BulkMenu filters={filters} sort={sort} />
          {can('coupons.write') && <TemplateButton />}
          {can('coupons.write') && (
            <Link className="button button--primary" to={`/coupons/new${location.search}`} aria-keyshortcuts="c">
              <Plus className="icon" aria-hidden />
              {t('coupons.create')}
              <Key letter="c" />
            </Link>
          )}
        </div>
      </header>
      <CouponTabs />
      <div className="stack stack--tight">
        <CouponFilters />
        {selected.size > 0 && (
          <BulkBar
            ids={pages.rows.filter((coupon) => selected.has(idOf(coupon))).map((coupon) => coupon.id)}
            filters={filters}
            sort={sort}
            hasMore={pages.hasMore}
            onDone={() => setSelected(new Set())}
          />
        )}
      </div>
      {isPhone ? (
        <CouponCards pages={pages} empty={empty} onOpen={open} />
      ) : (
        <DataTable
          label={t('coupons.title')}
          columns={columns}
          pages={pages}
          idOf={idOf}
          nameOf={codeOf}
          sort={sort}
          onSort={(next) => {
            dispatch(sortChosen({ list: listName, sort: next || defaultSort }));
            setParams((present) => {
              present.set('sort', next || defaultSort);
              return present;
            });
          }}
          selected={selected}
          {...(can('coupons.write') ? { onSelect: setSelected } : {})}
          openId={openId}
          onOpen={open}
          empty={empty}
          foot={<span>{t('table.multiSort')}</span>}
        />
      )}
      <Outlet />
    </div>
  );
}
