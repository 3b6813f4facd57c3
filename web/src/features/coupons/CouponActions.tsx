import { CirclePause, CirclePlay, Copy, Ellipsis, Eye, LayoutTemplate, Trash2 } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation, withTexts } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Coming } from '../../shared/ui/Coming';
import { Dialog } from '../../shared/ui/Dialog';
import { Menu, MenuItem, MenuRule } from '../../shared/ui/Menu';
import { useToast } from '../../shared/ui/Toasts';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';
import { useCouponSwitch } from './useCouponSwitch';

const SaveTemplateDialog = lazy(() => withTexts(import('../templates/SaveTemplateDialog')).then((module) => ({ default: module.SaveTemplateDialog })));

/** What can be done with one coupon. */
export function CouponActions({ coupon, onOpen, onDeleted }: { coupon: Coupon; onOpen?: (coupon: Coupon) => void; onDeleted?: () => void }) {
  const { t } = useTranslation();
  const [isDeleting, setDeleting] = useState(false);
  const [isKeeping, setKeeping] = useState(false);
  return (
    <>
      <Menu label={t('coupon.actions', { code: coupon.code })} icon={Ellipsis} look="quiet" size="small">
        <Items coupon={coupon} onOpen={onOpen} onKeep={() => setKeeping(true)} onDelete={() => setDeleting(true)} />
      </Menu>
      {isKeeping && (
        <Suspense fallback={<Coming />}>
          <SaveTemplateDialog coupon={coupon} onClose={() => setKeeping(false)} />
        </Suspense>
      )}
      {isDeleting && <DeleteDialog coupon={coupon} onClose={() => setDeleting(false)} onDeleted={onDeleted} />}
    </>
  );
}

/** What is in the menu, there only while it is open: a list has many of them. */
function Items({ coupon, onOpen, onKeep, onDelete }: { coupon: Coupon; onOpen: ((coupon: Coupon) => void) | undefined; onKeep: () => void; onDelete: () => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const navigate = useNavigate();
  const { search } = useLocation();
  const switchCoupons = useCouponSwitch();
  return (
    <>
      {onOpen && (
        <MenuItem icon={Eye} onClick={() => onOpen(coupon)}>
          {t('coupon.open')}
        </MenuItem>
      )}
      {can('coupons.write') && (
        <>
          <MenuItem icon={coupon.is_active ? CirclePause : CirclePlay} onClick={() => void switchCoupons([coupon], !coupon.is_active)}>
            {t(coupon.is_active ? 'coupon.deactivate' : 'coupon.activate')}
          </MenuItem>
          <MenuItem icon={Copy} onClick={() => navigate(`/coupons/new${search}`, { state: { copyOf: coupon.id } })}>
            {t('coupon.duplicate')}
          </MenuItem>
          <MenuItem icon={LayoutTemplate} onClick={onKeep}>
            {t('templates.save')}
          </MenuItem>
          <MenuRule />
          <MenuItem icon={Trash2} danger onClick={onDelete}>
            {t('action.delete')}
          </MenuItem>
        </>
      )}
    </>
  );
}

function DeleteDialog({ coupon, onClose, onDeleted }: { coupon: Coupon; onClose: () => void; onDeleted: (() => void) | undefined }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [remove, { isLoading }] = couponsApi.endpoints.deleteCoupon.useMutation();
  const [restore] = couponsApi.endpoints.restoreCoupon.useMutation();
  const bringBack = async () => {
    const answer = await restore({ id: coupon.id });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('coupon.restored', { code: coupon.code }));
  };
  const confirm = async () => {
    const answer = await remove({ id: coupon.id, 'If-Match': `"${coupon.version}"` });
    if (answer.error) {
      toast('failure', messageOf(answer.error, t));
      return;
    }

    toast('success', t('coupon.deleted', { code: coupon.code }), { label: t('action.undo'), run: () => void bringBack() });
    onClose();
    onDeleted?.();
  };
  return (
    <Dialog
      alert
      title={t('coupon.delete.title', { code: coupon.code })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" busy={isLoading} onClick={confirm}>
            {t('action.delete')}
          </Button>
        </>
      }
    >
      <p>{t('coupon.delete.text', { count: coupon.usage_count })}</p>
    </Dialog>
  );
}
