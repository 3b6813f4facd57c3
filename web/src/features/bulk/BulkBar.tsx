import { CirclePause, CirclePlay, Download, Layers, PencilLine, Trash2, X, type LucideIcon } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useCan } from '../../shared/api/store';
import { useTranslation, withTexts } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Coming } from '../../shared/ui/Coming';
import { Menu, MenuItem, MenuRule } from '../../shared/ui/Menu';
import type { Filters } from '../coupons/couponQuery';
import { couponsApi } from '../coupons/couponsApi';
import { bulkActions, type BulkAction, type Selection } from './selection';

// What few visits need is fetched when it is wanted, so that the list stays light.
const BulkDialog = lazy(() => withTexts(import('./BulkDialog')).then((module) => ({ default: module.BulkDialog })));
const ExportDialog = lazy(() => withTexts(import('./ExportDialog')).then((module) => ({ default: module.ExportDialog })));

const icons: Record<BulkAction, LucideIcon> = { activate: CirclePlay, deactivate: CirclePause, edit: PencilLine, delete: Trash2 };

const letters: Record<BulkAction, string> = { activate: 'a', deactivate: 'd', edit: 'e', delete: 'x' };

type Wanted = BulkAction | 'export';

/** What can be done with the selected coupons, or with all that match; each says first what it would do (BLK-06). */
export function BulkBar(props: { ids: number[]; filters: Filters; sort: string; hasMore: boolean; onDone: () => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const [isAll, setAll] = useState(false);
  const [wanted, setWanted] = useState<Wanted>();
  const total = useTotal(props.filters, props.hasMore);
  const count = isAll ? total : props.ids.length;
  const selection: Selection = isAll ? { filter: props.filters } : { ids: props.ids };
  const text = isAll ? t('bulk.allMatching', { count: count ?? 0 }) : t('coupons.selected', { count: count ?? 0 });
  return (
    <div className="bulk-bar" role="group" aria-label={text}>
      <strong role="status">{text}</strong>
      {props.hasMore && total !== undefined && !isAll && (
        <Button size="small" look="link" onClick={() => setAll(true)}>
          {t('bulk.selectAll', { count: total })}
        </Button>
      )}
      {can('coupons.bulk') &&
        bulkActions.map((action) => (
          <Button key={action} size="small" icon={icons[action]} keys={letters[action]} onClick={() => setWanted(action)}>
            {t(`bulk.action.${action}`)}
          </Button>
        ))}
      {can('coupons.export') && (
        <Button size="small" icon={Download} keys="o" onClick={() => setWanted('export')}>
          {t('bulk.action.export')}
        </Button>
      )}
      <span className="grow" />
      <Button size="small" look="quiet" icon={X} onClick={props.onDone}>
        {t('action.clear')}
      </Button>
      <Chosen wanted={wanted} selection={selection} sort={props.sort} onClose={() => setWanted(undefined)} onDone={props.onDone} />
    </div>
  );
}

/** The same for all that match the filters, without selecting any: the way on phones, and by keyboard. */
export function BulkMenu({ filters, sort }: { filters: Filters; sort: string }) {
  const { t } = useTranslation();
  const can = useCan();
  const [wanted, setWanted] = useState<Wanted>();
  if (!can('coupons.bulk') && !can('coupons.export')) return null;
  return (
    <>
      <Menu label={t('bulk.menu')} icon={Layers} text={t('bulk.menu')} keys="b">
        {can('coupons.bulk') &&
          bulkActions.map((action) => (
            <MenuItem key={action} icon={icons[action]} danger={action === 'delete'} onClick={() => setWanted(action)}>
              {t(`bulk.action.${action}`)}
            </MenuItem>
          ))}
        {can('coupons.bulk') && can('coupons.export') && <MenuRule />}
        {can('coupons.export') && (
          <MenuItem icon={Download} onClick={() => setWanted('export')}>
            {t('bulk.action.export')}
          </MenuItem>
        )}
      </Menu>
      <Chosen wanted={wanted} selection={{ filter: filters }} sort={sort} onClose={() => setWanted(undefined)} onDone={() => undefined} />
    </>
  );
}

function Chosen(props: { wanted: Wanted | undefined; selection: Selection; sort: string; onClose: () => void; onDone: () => void }) {
  if (!props.wanted) return null;
  return (
    <Suspense fallback={<Coming />}>
      {props.wanted === 'export' ? (
        <ExportDialog selection={props.selection} sort={props.sort} onClose={props.onClose} />
      ) : (
        <BulkDialog action={props.wanted} selection={props.selection} onClose={props.onClose} onDone={props.onDone} />
      )}
    </Suspense>
  );
}

/** How many match in all; asked for only when it says more than what is loaded. */
function useTotal(filters: Filters, isWanted: boolean) {
  const { data } = couponsApi.endpoints.listCoupons.useQuery({ ...(filters as object), limit: 1, count: true }, { skip: !isWanted });
  return data?.total ?? undefined;
}
