import { client } from '../../shared/api/client.generated';

export const settingsApi = client.enhanceEndpoints({
  addTagTypes: ['ApiKey', 'Person', 'Webhook'],
  endpoints: {
    listApiKeys: { providesTags: ['ApiKey'] },
    createApiKey: { invalidatesTags: ['ApiKey'] },
    revokeApiKey: { invalidatesTags: ['ApiKey'] },
    listPeople: { providesTags: ['Person'] },
    invitePerson: { invalidatesTags: ['Person'] },
    listWebhooks: { providesTags: ['Webhook'] },
    createWebhook: { invalidatesTags: ['Webhook'] },
  },
});
