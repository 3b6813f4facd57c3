import { useEffect, useRef, useState } from 'react';
import { client, type View } from '../api/client.generated';
import { useAppDispatch } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { isUnderWay, OperationCard } from './OperationCard';
import { Skeletons } from './States';
import { useToast } from './Toasts';

const refreshMs = 1_000;

/** One operation, followed until it is over; lists that it changed are then read again. */
export function FollowedOperation({ id, onOver }: { id: string; onOver?: (operation: View) => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const dispatch = useAppDispatch();
  const [isFollowed, setFollowed] = useState(true);
  const { data } = client.endpoints.getOperation.useQuery({ id }, { pollingInterval: isFollowed ? refreshMs : 0, refetchOnMountOrArgChange: true });
  const wasUnderWay = useRef(true);
  useEffect(() => {
    if (!data || data.id !== id) return;
    const goesOn = isUnderWay(data) || data.status === 'paused';
    setFollowed(goesOn);
    if (wasUnderWay.current && !goesOn) {
      dispatch(client.util.invalidateTags(['CouponList', 'Coupon', 'Operation'] as never[]));
      if (data.status === 'succeeded') toast('success', t('operation.over', { count: data.done }));
      else toast('failure', t('operation.stopped'));
      onOver?.(data);
    }

    wasUnderWay.current = goesOn;
  }, [data, id, t, toast, dispatch, onOver]);
  return data ? <OperationCard operation={data} /> : <Skeletons lines={3} />;
}
