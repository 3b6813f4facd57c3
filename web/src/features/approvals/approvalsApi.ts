import { client } from '../../shared/api/client.generated';

export const approvalsApi = client.enhanceEndpoints({
  addTagTypes: ['Approval', 'Emergency', 'Balance'],
  endpoints: {
    listApprovals: { providesTags: ['Approval'] },
    getApproval: { providesTags: ['Approval'] },
    approveApproval: { invalidatesTags: ['Approval', 'Balance'] },
    rejectApproval: { invalidatesTags: ['Approval', 'Balance'] },
    withdrawApproval: { invalidatesTags: ['Approval', 'Balance'] },
    listEmergencies: { providesTags: ['Emergency'] },
    startEmergency: { invalidatesTags: ['Emergency'] },
    endEmergency: { invalidatesTags: ['Emergency'] },
    reviewEmergency: { invalidatesTags: ['Emergency'] },
  },
});
