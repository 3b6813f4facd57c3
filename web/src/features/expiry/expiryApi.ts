import { client } from '../../shared/api/client.generated';

export const expiryApi = client.enhanceEndpoints({
  addTagTypes: ['Expiry', 'Task'],
  endpoints: {
    getExpiryFigures: { providesTags: ['Expiry'] },
    listExpiryJobs: { providesTags: ['Expiry'] },
    getExpiryJobTotals: { providesTags: ['Expiry'] },
    listConnectorFigures: { providesTags: ['Expiry'] },
    pauseExpiry: { invalidatesTags: ['Expiry'] },
    resumeExpiry: { invalidatesTags: ['Expiry'] },
    drainExpiry: { invalidatesTags: ['Expiry'] },
    retryExpiryJob: { invalidatesTags: ['Expiry'] },
    listConnectorTasks: { providesTags: ['Task'] },
    actOnConnectorTasks: { invalidatesTags: ['Expiry', 'Task'] },
  },
});
