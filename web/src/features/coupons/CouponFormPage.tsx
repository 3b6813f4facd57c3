import { useMemo } from 'react';
import { useLocation, useNavigate, useParams } from 'react-router';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { Dialog } from '../../shared/ui/Dialog';
import { useTranslation } from '../../shared/i18n/i18n';
import { couponsApi } from './couponsApi';
import { copyOf, emptyCoupon, valuesOf } from './couponForm';
import { CouponFormDialog } from './CouponFormDialog';

/** The form over the list: for a new coupon, a copy of one, or a change. */
export function CouponFormPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { search, state } = useLocation();
  const { id } = useParams();
  const copied = (state as { copyOf?: number } | null)?.copyOf;
  const wanted = id ? Number(id) : copied;
  const { data, error, refetch } = couponsApi.endpoints.getCoupon.useQuery({ id: wanted ?? 0 }, { skip: wanted === undefined, refetchOnMountOrArgChange: true });
  const blank = useMemo(emptyCoupon, []);
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
