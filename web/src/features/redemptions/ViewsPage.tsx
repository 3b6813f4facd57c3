import { Eye } from 'lucide-react';
import { Link } from 'react-router';
import type { GetViewTotalsApiArg } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { useAddress } from '../../shared/lib/useAddress';
import { Listing } from '../../shared/ui/Listing';
import { Day } from '../../shared/ui/Values';
import { readFilters } from './filters';
import { redemptionsApi } from './redemptionsApi';
import { RedemptionSearch } from './RedemptionSearch';
import { RedemptionTabs } from './RedemptionTabs';

const searchable = ['coupon_code', 'from', 'to'] as const;
const names = [...searchable, 'coupon_id'] as const;

/** How often coupons were seen, day by day, as channels reported it: the first step of the funnel (MET-02, MET-24). */
export function ViewsPage() {
  const { t, locale } = useTranslation();
  const [params, setParams] = useAddress();
  const wanted = readFilters(params, names);
  const coupon = Number(wanted.coupon_id);
  const filter: GetViewTotalsApiArg = {
    ...(coupon > 0 ? { couponId: coupon } : {}),
    ...(wanted.coupon_code ? { couponCode: wanted.coupon_code } : {}),
    ...(wanted.from ? { from: wanted.from } : {}),
    ...(wanted.to ? { to: wanted.to } : {}),
  };
  const pages = usePages(redemptionsApi.endpoints.listViewDays, { limit: 100, ...filter });
  const counted = redemptionsApi.endpoints.getViewTotals.useQuery(filter);
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.redemptions')}</h1>
          <p>{t('rows.views.text')}</p>
        </div>
      </header>
      <RedemptionTabs />
      <div className="stack stack--tight">
        <RedemptionSearch key={params.toString()} wanted={wanted} names={searchable} onSearch={(next) => setParams(next, { asStep: true })} />
        <p className="small totals" role="status">
          <strong>{counted.data ? t('rows.viewCount', { count: counted.data.views }) : '\u00a0'}</strong>
        </p>
      </div>
      <Listing
        title={t('rows.tab.views')}
        icon={Eye}
        pages={pages}
        empty={t('rows.noViews')}
        emptyText={t('rows.noViews.text')}
        columns={[t('rows.day'), t('column.code'), t('redemption.channel'), { name: t('rows.tab.views'), end: true }]}
        row={(day) => (
          <tr key={`${day.day} ${day.coupon_id} ${day.channel}`}>
            <td>
              <Day at={day.day} />
            </td>
            <td>
              <Link className="code-chip" to={`/coupons/${day.coupon_id}`}>
                {day.code}
              </Link>
            </td>
            <td>{day.channel || '–'}</td>
            <td className="end num">{formatCount(day.views, locale)}</td>
          </tr>
        )}
      />
    </div>
  );
}
