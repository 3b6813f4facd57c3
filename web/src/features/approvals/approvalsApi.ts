import { client } from '../../shared/api/client.generated';

export const approvalsApi = client.enhanceEndpoints({
  addTagTypes: ['Approval'],
  endpoints: {
    listApprovals: { providesTags: ['Approval'] },
    getApproval: { providesTags: ['Approval'] },
    approveApproval: { invalidatesTags: ['Approval'] },
    rejectApproval: { invalidatesTags: ['Approval'] },
    withdrawApproval: { invalidatesTags: ['Approval'] },
  },
});
