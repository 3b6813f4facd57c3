import { client } from '../../shared/api/client.generated';

export const campaignsApi = client.enhanceEndpoints({
  addTagTypes: ['Campaign', 'Categories', 'CouponList', 'Figures'],
  endpoints: {
    listCampaigns: { providesTags: ['Campaign'] },
    getCampaign: { providesTags: ['Campaign'] },
    compareCampaigns: { providesTags: ['Campaign', 'Figures'] },
    getBurnDown: { providesTags: ['Campaign', 'Figures'] },
    getAttribution: { providesTags: ['Campaign', 'Figures'] },
    getTimeline: { providesTags: ['Figures'] },
    getCategories: { providesTags: ['Categories'] },
    replaceCategories: { invalidatesTags: ['Categories'] },
    listCosts: { providesTags: ['Campaign'] },
    addCost: { invalidatesTags: ['Campaign', 'Figures'] },
    removeCost: { invalidatesTags: ['Campaign', 'Figures'] },
    createCampaign: { invalidatesTags: ['Campaign'] },
    replaceCampaign: { invalidatesTags: ['Campaign'] },
    cloneCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
    undoOperation: { invalidatesTags: ['Campaign', 'CouponList'] },
    deleteCampaign: { invalidatesTags: ['Campaign'] },
    activateCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
    deactivateCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
  },
});
