import { client } from '../../shared/api/client.generated';

/** A redemption changes the coupon it used, so both lists are asked again after a rollback. */
export const redemptionsApi = client.enhanceEndpoints({
  addTagTypes: ['Redemption', 'CouponList'],
  endpoints: {
    listRedemptions: { providesTags: ['Redemption'] },
    getRedemptionTotals: { providesTags: ['Redemption'] },
    getAttemptTotals: { providesTags: ['Redemption'] },
    listAttempts: { providesTags: ['Redemption'] },
    getRedemption: { providesTags: ['Redemption'] },
    getRedemptionAttribution: { providesTags: ['Redemption'] },
    rollBackRedemption: { invalidatesTags: ['Redemption', 'CouponList'] },
  },
});
