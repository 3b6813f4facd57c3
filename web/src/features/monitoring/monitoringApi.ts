import { client } from '../../shared/api/client.generated';

/** What is watched: counts and rows follow the live stream (useLiveCoupons), and so do alerts. */
export const monitoringApi = client.enhanceEndpoints({
  addTagTypes: ['CouponList', 'Figures'],
  endpoints: {
    countCoupons: { providesTags: ['CouponList', 'Figures'] },
  },
});
