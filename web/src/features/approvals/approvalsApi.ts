import { client } from '../../shared/api/client.generated';

export const approvalsApi = client.enhanceEndpoints({
  addTagTypes: ['Approval', 'Emergency'],
  endpoints: {
    listApprovals: { providesTags: ['Approval'] },
    getApproval: { providesTags: ['Approval'] },
    approveApproval: { invalidatesTags: ['Approval'] },
    rejectApproval: { invalidatesTags: ['Approval'] },
    withdrawApproval: { invalidatesTags: ['Approval'] },
    listEmergencies: { providesTags: ['Emergency'] },
    startEmergency: { invalidatesTags: ['Emergency'] },
    endEmergency: { invalidatesTags: ['Emergency'] },
    reviewEmergency: { invalidatesTags: ['Emergency'] },
  },
});
