import { ListChecks, Tickets } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Link, useLocation } from 'react-router';
import { usePages } from '../../shared/api/usePages';
import { useCan } from '../../shared/api/store';
import { useTranslation, withTexts } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Coming } from '../../shared/ui/Coming';
import { StatusSelect } from '../../shared/ui/Paged';
import { PagedTable } from '../../shared/ui/PagedTable';
import { Day } from '../../shared/ui/Values';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';
import { instanceStates, lookOf } from './instanceStates';

const UnitBulkDialog = lazy(() => withTexts(import('../bulk/UnitBulkDialog')).then((module) => ({ default: module.UnitBulkDialog })));

const pageSize = 25;

/** The units of a coupon, the latest first; each leads to its story. Those chosen, or all of a state, are changed together. */
export function CouponUnits({ coupon }: { coupon: Coupon }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const { search } = useLocation();
  const [state, setState] = useState<(typeof instanceStates)[number]>();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [isChanging, setChanging] = useState(false);
  const pages = usePages(couponsApi.endpoints.listInstances, { id: coupon.id, limit: pageSize, sort: '-id' as const, ...(state ? { state } : {}) });
  const mayChange = can('coupons.bulk');
  return (
    <>
      <div className="row row--between">
        <h3>{t('coupon.tab.units')}</h3>
        <StatusSelect
          label={t('column.status')}
          statuses={instanceStates}
          family="instanceState"
          value={state}
          onChange={(next) => {
            setState(next);
            setChosen(new Set());
          }}
        />
      </div>
      {mayChange && (
        <div>
          <Button size="small" icon={ListChecks} disabled={pages.rows.length === 0} onClick={() => setChanging(true)}>
            {chosen.size > 0 ? t('units.changeChosen', { count: chosen.size }) : state ? t('units.changeState', { state: word('instanceState', state) }) : t('units.changeAll')}
          </Button>
        </div>
      )}
      <PagedTable
        label={t('coupon.tab.units')}
        pages={pages}
        empty={{ icon: Tickets, title: t('units.empty'), text: t('units.empty.text') }}
        columns={[...(mayChange ? [{ text: t('units.choose'), quiet: true }] : []), { text: t('redemption.unit') }, { text: t('column.status') }, { text: t('unit.from') }, { text: t('unit.until') }]}
        row={(unit) => (
          <tr key={unit.id}>
            {mayChange && (
              <td>
                <label className="check">
                  <input
                    type="checkbox"
                    aria-label={t('units.chooseOne', { unit: unit.code ?? `#${unit.id}` })}
                    checked={chosen.has(unit.id)}
                    onChange={(event) => {
                      const next = new Set(chosen);
                      if (event.target.checked) next.add(unit.id);
                      else next.delete(unit.id);
                      setChosen(next);
                    }}
                  />
                </label>
              </td>
            )}
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
      {isChanging && (
        <Suspense fallback={<Coming />}>
          <UnitBulkDialog
            selection={{ coupon_id: coupon.id, ...(chosen.size > 0 ? { instance_ids: [...chosen] } : state ? { state } : {}) }}
            onClose={() => {
              setChanging(false);
              setChosen(new Set());
              pages.refetch();
            }}
          />
        </Suspense>
      )}
    </>
  );
}
