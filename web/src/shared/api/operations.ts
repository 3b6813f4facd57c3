import { client } from './client.generated';

export const operationsApi = client.enhanceEndpoints({
  addTagTypes: ['Operation', 'Campaign', 'CouponList'],
  endpoints: {
    listOperations: { providesTags: ['Operation'] },
    getOperation: { providesTags: ['Operation'] },
    cancelOperation: { invalidatesTags: ['Operation'] },
    pauseOperation: { invalidatesTags: ['Operation'] },
    resumeOperation: { invalidatesTags: ['Operation'] },
    undoOperation: { invalidatesTags: ['Operation', 'Campaign', 'CouponList'] },
    requestBulkChange: { invalidatesTags: ['Operation'] },
    requestUnitChange: { invalidatesTags: ['Operation'] },
    exportCoupons: { invalidatesTags: ['Operation'] },
    importCoupons: { invalidatesTags: ['Operation'] },
  },
});
