import { client } from '../../shared/api/client.generated';

/** Figures follow the log within seconds; pages that show them ask again every so often. */
export const refreshMs = 15_000;

export const insightsApi = client.enhanceEndpoints({
  addTagTypes: ['Figures'],
  endpoints: {
    getSystemAnalytics: { providesTags: ['Figures'] },
    getCouponAnalytics: { providesTags: ['Figures'] },
    getTimeline: { providesTags: ['Figures'] },
    getBreakdown: { providesTags: ['Figures'] },
  },
});
