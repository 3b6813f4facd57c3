import { useEffect } from 'react';
import { client } from '../api/client.generated';
import { sessionEnded } from '../api/session';
import { store, useAppDispatch, useAppSelector, useCan } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { useToast } from '../ui/Toasts';
import { followCoupons, type LiveChange } from './connection';
import { liveChanged } from './liveSlice';

/** How often pages that count are asked again while things happen; the figures themselves are seconds behind. */
const figuresMs = 3_000;
/** Of these there may be many at once: a message names some, the pages the rest. */
const mostToasts = 2;

const live = client.enhanceEndpoints({ addTagTypes: ['CouponList', 'Coupon', 'Figures', 'Redemption', 'Campaign', 'Alert'] });

/** Keeps every page live while somebody is signed in who may see coupons (UI-10, ALR-01). Used once, by the frame. */
export function useLiveCoupons(onNotice: (coupon: number) => void) {
  const dispatch = useAppDispatch();
  const isAllowed = useCan()('coupons.read');
  const session = useAppSelector((state) => (state.session.ended ? null : state.session.session?.csrf_token));
  const { t } = useTranslation();
  const toast = useToast();
  useEffect(() => {
    if (!isAllowed || !session) return;
    let askAgain: ReturnType<typeof setTimeout> | undefined;
    const wanted = new Set<'CouponList' | 'Coupon'>();
    const figuresLater = (lists: boolean) => {
      if (lists) wanted.add('CouponList').add('Coupon');
      askAgain ??= setTimeout(() => {
        askAgain = undefined;
        dispatch(live.util.invalidateTags(['Figures', 'Redemption', 'Campaign', ...wanted]));
        wanted.clear();
      }, figuresMs);
    };
    const tell = (changes: LiveChange[]) => {
      for (const event of store.getState().prefs.toasts) {
        for (const { coupon, events } of changes.filter((change) => change.events[event]).slice(0, mostToasts)) {
          if (coupon && events[event]) {
            toast(event === 'fraud_detected' ? 'failure' : 'info', t(`live.${event}`, { code: coupon.code }), { label: t('live.show'), run: () => onNotice(coupon.id) });
          }
        }
      }
    };
    const stop = followCoupons({
      onChanges: (changes, isPart) => {
        // An answer that is under way may be of before this, and would stand over it.
        const isAsked = isUnderWay();
        const isUnknown = changes.map(patch).some((known) => !known) || isAsked;
        tell(changes);
        figuresLater(isPart || isUnknown);
      },
      onAlerts: () => void dispatch(live.util.invalidateTags(['Alert'])),
      onBack: () => void dispatch(live.util.invalidateTags(['CouponList', 'Coupon', 'Figures', 'Redemption', 'Campaign', 'Alert'])),
      onStatus: (status, heardAt) => void dispatch(liveChanged({ status, heardAt })),
      onEnded: () => void dispatch(sessionEnded()),
    });
    return () => {
      clearTimeout(askAgain);
      stop();
      dispatch(liveChanged({ status: 'off', heardAt: 0 }));
    };
  }, [dispatch, isAllowed, session, t, toast, onNotice]);
}

/** Whether coupons are being asked for. */
const isUnderWay = () =>
  Object.values(store.getState().api.queries).some((query) => query?.status === 'pending' && (query.endpointName === 'listCoupons' || query.endpointName === 'getCoupon'));

/** Puts a coupon as it is now into every answer that shows it. Which lists it is in now is not known from it. */
function patch({ coupon_id: id, coupon, events }: LiveChange): boolean {
  const shown = live.util.selectInvalidatedBy(store.getState(), ['CouponList', { type: 'Coupon', id }]);
  for (const { endpointName, originalArgs } of shown) {
    if (endpointName === 'listCoupons' && coupon) {
      store.dispatch(
        live.util.updateQueryData('listCoupons', originalArgs as never, (page) => {
          const place = page.data.findIndex((row) => row.id === id);
          if (place >= 0) page.data[place] = coupon;
        }),
      );
    }
    if (endpointName === 'getCoupon' && coupon) {
      store.dispatch(live.util.updateQueryData('getCoupon', originalArgs as never, () => coupon));
    }
  }
  return coupon !== null && !events.changed && !events.expired && !events.limit_reached;
}
