import { client } from '../../shared/api/client.generated';

export const campaignsApi = client.enhanceEndpoints({
  addTagTypes: ['Campaign', 'CouponList'],
  endpoints: {
    listCampaigns: { providesTags: ['Campaign'] },
    getCampaign: { providesTags: ['Campaign'] },
    createCampaign: { invalidatesTags: ['Campaign'] },
    replaceCampaign: { invalidatesTags: ['Campaign'] },
    cloneCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
    deleteCampaign: { invalidatesTags: ['Campaign'] },
    activateCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
    deactivateCampaign: { invalidatesTags: ['Campaign', 'CouponList'] },
  },
});
