import { client } from './client.generated';

/** Figures follow the log within seconds; they are asked for again when something happens (useLiveCoupons). */
export const figuresApi = client.enhanceEndpoints({
  addTagTypes: ['Figures'],
  endpoints: {
    getSystemAnalytics: { providesTags: ['Figures'] },
    getCouponAnalytics: { providesTags: ['Figures'] },
    getTimeline: { providesTags: ['Figures'] },
    getBreakdown: { providesTags: ['Figures'] },
    getFunnel: { providesTags: ['Figures'] },
  },
});
