import { CirclePause, CirclePlay, X } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import type { Coupon } from './couponCells';
import { useCouponSwitch } from './useCouponSwitch';

/** What can be done with the selected coupons; each action says first what it would do (BLK-06). */
export function BulkBar({ coupons, onDone }: { coupons: Coupon[]; onDone: () => void }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<boolean>();
  return (
    <div className="bulk-bar" role="group" aria-label={t('coupons.selected', { count: coupons.length })}>
      <strong role="status">{t('coupons.selected', { count: coupons.length })}</strong>
      <Button size="small" icon={CirclePlay} onClick={() => setWanted(true)}>
        {t('coupon.activate')}
      </Button>
      <Button size="small" icon={CirclePause} onClick={() => setWanted(false)}>
        {t('coupon.deactivate')}
      </Button>
      <span className="grow" />
      <Button size="small" look="quiet" icon={X} onClick={onDone}>
        {t('action.clear')}
      </Button>
      {wanted !== undefined && <PreviewDialog coupons={coupons} on={wanted} onClose={() => setWanted(undefined)} onDone={onDone} />}
    </div>
  );
}

/** How many would change, stay as they are, or change without anything becoming redeemable. */
function PreviewDialog(props: { coupons: Coupon[]; on: boolean; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const switchCoupons = useCouponSwitch();
  const [done, setDone] = useState<number>();
  const changing = props.coupons.filter((coupon) => coupon.is_active !== props.on);
  const unchanged = props.coupons.length - changing.length;
  const over = changing.filter((coupon) => coupon.status === 'expired');
  const run = async () => {
    setDone(0);
    await switchCoupons(changing, props.on, setDone);
    props.onClose();
    props.onDone();
  };
  return (
    <Dialog
      title={t(props.on ? 'bulk.activate.title' : 'bulk.deactivate.title', { count: props.coupons.length })}
      onClose={props.onClose}
      foot={
        <>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={done !== undefined} disabled={changing.length === 0} onClick={run}>
            {t(props.on ? 'bulk.activate.run' : 'bulk.deactivate.run', { count: changing.length })}
          </Button>
        </>
      }
    >
      <dl className="facts">
        <dt>{t('bulk.changing')}</dt>
        <dd>{changing.length}</dd>
        <dt>{t('bulk.unchanged')}</dt>
        <dd>{unchanged}</dd>
        {props.on && over.length > 0 && (
          <>
            <dt>{t('bulk.stillExpired')}</dt>
            <dd>{over.length}</dd>
          </>
        )}
      </dl>
      <ul className="row" style={{ marginTop: 16 }}>
        {changing.slice(0, 24).map((coupon) => (
          <li key={coupon.id} className="badge code-chip">
            {coupon.code}
          </li>
        ))}
        {changing.length > 24 && <li className="muted small">{t('bulk.andMore', { count: changing.length - 24 })}</li>}
      </ul>
      {done !== undefined && (
        <p role="status" className="muted">
          {t('bulk.progress', { done, total: changing.length })}
        </p>
      )}
    </Dialog>
  );
}
