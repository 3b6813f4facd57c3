import { client } from './client.generated';

/** Alerts of all rooms, asked for again when one is raised, noted or cleared (useLiveCoupons). */
export const alertsApi = client.enhanceEndpoints({
  addTagTypes: ['Alert', 'Figures', 'Expiry'],
  endpoints: {
    listCouponAlerts: { providesTags: ['Alert', 'Figures'] },
    listExpiryAlerts: { providesTags: ['Alert', 'Expiry'] },
    listSecurityAlerts: { providesTags: ['Alert'] },
    acknowledgeCouponAlert: { invalidatesTags: ['Alert'] },
    acknowledgeExpiryAlert: { invalidatesTags: ['Alert'] },
    acknowledgeSecurityAlert: { invalidatesTags: ['Alert'] },
  },
});
