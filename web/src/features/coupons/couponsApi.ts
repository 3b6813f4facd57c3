import { client } from '../../shared/api/client.generated';

/** What each request shows and what each change makes stale. The requests are generated; screens never refetch. */
export const couponsApi = client.enhanceEndpoints({
  addTagTypes: ['Coupon', 'Unit', 'CouponList', 'Operation', 'View', 'Figures'],
  endpoints: {
    listCoupons: { providesTags: ['CouponList'] },
    getCoupon: { providesTags: (_coupon, _error, { id }) => [{ type: 'Coupon', id }] },
    getCouponUsage: { providesTags: (_page, _error, { id }) => [{ type: 'Coupon', id }] },
    listInstances: { providesTags: ['Unit'] },
    getInstance: { providesTags: ['Unit'] },
    getInstanceTimeline: { providesTags: ['Unit'] },
    revokeInstance: { invalidatesTags: ['Unit', 'CouponList'] },
    createCoupon: { invalidatesTags: ['CouponList'] },
    updateCoupon: { invalidatesTags: (_coupon, _error, { id }) => ['CouponList', { type: 'Coupon', id }] },
    restoreCoupon: { invalidatesTags: (_coupon, _error, { id }) => ['CouponList', { type: 'Coupon', id }] },
    deleteCoupon: { invalidatesTags: (_coupon, _error, { id }) => ['CouponList', { type: 'Coupon', id }] },
    activateCoupon: { invalidatesTags: (_coupon, _error, { id }) => ['CouponList', { type: 'Coupon', id }] },
    deactivateCoupon: { invalidatesTags: (_coupon, _error, { id }) => ['CouponList', { type: 'Coupon', id }] },
    listViews: { providesTags: ['View'] },
    saveView: { invalidatesTags: ['View'] },
    removeView: { invalidatesTags: ['View'] },
    generateCodes: { invalidatesTags: ['Operation'] },
    // The history of one thing is sealed a moment after it happens, and goes on while it is looked at.
    searchAudit: { providesTags: (_page, _error, { subject }) => (subject ? ['Figures'] : []) },
  },
});
