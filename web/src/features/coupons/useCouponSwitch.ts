import { useCallback } from 'react';
import { messageOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { useToast } from '../../shared/ui/Toasts';
import { couponsApi } from './couponsApi';

interface Switchable {
  id: number;
  code: string;
}

/** Switches coupons on or off and offers to undo it. What was in that state before is left alone by the undo. */
export function useCouponSwitch() {
  const { t } = useTranslation();
  const toast = useToast();
  const [activate] = couponsApi.endpoints.activateCoupon.useMutation();
  const [deactivate] = couponsApi.endpoints.deactivateCoupon.useMutation();
  return useCallback(
    async (coupons: Switchable[], on: boolean, onProgress?: (done: number) => void) => {
      const run = async (list: Switchable[], to: boolean) => {
        const changed: Switchable[] = [];
        let failure: string | undefined;
        let done = 0;
        for (const coupon of list) {
          const answer = await (to ? activate({ id: coupon.id }) : deactivate({ id: coupon.id }));
          if (answer.error) failure ??= `${coupon.code}: ${messageOf(answer.error, t)}`;
          else changed.push(coupon);
          onProgress?.(++done);
        }

        if (failure) toast('failure', failure);
        return changed;
      };
      const changed = await run(coupons, on);
      const first = changed[0];
      if (!first) return;
      const text =
        changed.length === 1
          ? t(on ? 'coupon.activated' : 'coupon.deactivated', { code: first.code })
          : t(on ? 'coupons.activated' : 'coupons.deactivated', { count: changed.length });
      toast('success', text, { label: t('action.undo'), run: () => void run(changed, !on) });
    },
    [activate, deactivate, t, toast],
  );
}
