import { Tickets } from 'lucide-react';
import { useState } from 'react';
import { Link, useLocation } from 'react-router';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { StatusSelect } from '../../shared/ui/Paged';
import { PagedTable } from '../../shared/ui/PagedTable';
import { Day } from '../../shared/ui/Values';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';
import { instanceStates, lookOf } from './instanceStates';

const pageSize = 25;

/** The units of a coupon, the latest first; each leads to its story. */
export function CouponUnits({ coupon }: { coupon: Coupon }) {
  const { t, word } = useTranslation();
  const { search } = useLocation();
  const [state, setState] = useState<(typeof instanceStates)[number]>();
  const pages = usePages(couponsApi.endpoints.listInstances, { id: coupon.id, limit: pageSize, sort: '-id' as const, ...(state ? { state } : {}) });
  return (
    <>
      <div className="row row--between">
        <h3>{t('coupon.tab.units')}</h3>
        <StatusSelect label={t('column.status')} statuses={instanceStates} family="instanceState" value={state} onChange={setState} />
      </div>
      <PagedTable
        label={t('coupon.tab.units')}
        pages={pages}
        empty={{ icon: Tickets, title: t('units.empty'), text: t('units.empty.text') }}
        columns={[{ text: t('redemption.unit') }, { text: t('column.status') }, { text: t('unit.from') }, { text: t('unit.until') }]}
        row={(unit) => (
          <tr key={unit.id}>
            <td>
              <Link className="mono" to={`/coupons/${coupon.id}/units/${unit.id}${search}`}>
                {unit.code ?? `#${unit.id}`}
              </Link>
            </td>
            <td>
              <span className={`badge badge--${lookOf(unit.state)}`}>{word('instanceState', unit.state)}</span>
            </td>
            <td>
              <Day at={unit.valid_from} />
            </td>
            <td>
              <Day at={unit.valid_until} otherwise={t('time.unlimited')} />
            </td>
          </tr>
        )}
      />
    </>
  );
}
