import { client } from '../../shared/api/client.generated';

export const campaignsApi = client.enhanceEndpoints({
  addTagTypes: ['Audience', 'Campaign', 'Categories', 'CouponList', 'Figures'],
  endpoints: {
    listCampaigns: { providesTags: ['Campaign'] },
    getCampaign: { providesTags: ['Campaign'] },
    compareCampaigns: { providesTags: ['Campaign', 'Figures'] },
    getBurnDown: { providesTags: ['Campaign', 'Figures'] },
    getAttribution: { providesTags: ['Campaign', 'Figures'] },
    getCategories: { providesTags: ['Categories'] },
    replaceCategories: { invalidatesTags: ['Categories'] },
    listCosts: { providesTags: ['Campaign'] },
    addCost: { invalidatesTags: ['Campaign', 'Figures'] },
    removeCost: { invalidatesTags: ['Campaign', 'Figures'] },
    listAudience: { providesTags: ['Audience'] },
    addToAudience: { invalidatesTags: ['Audience'] },
    addSegmentToAudience: { invalidatesTags: ['Audience'] },
    removeFromAudience: { invalidatesTags: ['Audience'] },
    createCampaign: { invalidatesTags: ['Campaign'] },
    replaceCampaign: { invalidatesTags: ['Campaign'] },
    cloneCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
    deleteCampaign: { invalidatesTags: ['Campaign'] },
    activateCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
    deactivateCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
  },
});
