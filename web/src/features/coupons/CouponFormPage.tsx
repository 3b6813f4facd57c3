import { useMemo } from 'react';
import { useLocation, useNavigate, useParams } from 'react-router';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { Dialog } from '../../shared/ui/Dialog';
import { useTranslation } from '../../shared/i18n/i18n';
import { couponsApi } from './couponsApi';
import { valuesFrom } from '../templates/template';
import type { Coupon } from './couponCells';
import { copyOf, emptyCoupon, valuesOf } from './couponForm';
import { CouponFormDialog } from './CouponFormDialog';

/** The form over the list: for a new coupon, a copy of one, or a change. */
export function CouponFormPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { search, state } = useLocation();
  const { id } = useParams();
  const from = state as { copyOf?: number; template?: { fields: Partial<Coupon>; valid_days: number | null } } | null;
  const copied = from?.copyOf;
  const template = from?.template;
  const wanted = id ? Number(id) : copied;
  const { data, error, refetch } = couponsApi.endpoints.getCoupon.useQuery({ id: wanted ?? 0 }, { skip: wanted === undefined, refetchOnMountOrArgChange: true });
  const blank = useMemo(() => (template ? valuesFrom(template.fields, template.valid_days) : emptyCoupon()), [template]);
  const close = (openId?: number) => void navigate(openId ? `/coupons/${openId}${search}` : `/coupons${search}`, { state: { saved: true } });
  if (wanted === undefined) return <CouponFormDialog initial={blank} onClose={close} />;
  if (!data) {
    return (
      <Dialog look="wide" title={t(id ? 'form.title.edit' : 'form.title.create')} onClose={() => close()}>
        {error ? <ErrorState error={error} onRetry={refetch} /> : <Skeletons lines={10} />}
      </Dialog>
    );
  }

  return id ? (
    <CouponFormDialog key={data.id} stored={data} initial={valuesOf(data)} onClose={close} />
  ) : (
    <CouponFormDialog key={`copy-${data.id}`} initial={copyOf(data)} onClose={close} />
  );
}
