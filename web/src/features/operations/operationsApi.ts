import { client } from '../../shared/api/client.generated';

export const operationsApi = client.enhanceEndpoints({
  addTagTypes: ['Operation'],
  endpoints: {
    listOperations: { providesTags: ['Operation'] },
    getOperation: { providesTags: ['Operation'] },
    cancelOperation: { invalidatesTags: ['Operation'] },
    pauseOperation: { invalidatesTags: ['Operation'] },
    resumeOperation: { invalidatesTags: ['Operation'] },
    undoOperation: { invalidatesTags: ['Operation'] },
    requestBulkChange: { invalidatesTags: ['Operation'] },
    requestUnitChange: { invalidatesTags: ['Operation'] },
    exportCoupons: { invalidatesTags: ['Operation'] },
    importCoupons: { invalidatesTags: ['Operation'] },
  },
});
