import { client } from '../../shared/api/client.generated';

export const settingsApi = client.enhanceEndpoints({
  addTagTypes: ['ApiKey', 'Passkey', 'Person', 'SecondFactor', 'Webhook'],
  endpoints: {
    listApiKeys: { providesTags: ['ApiKey'] },
    createApiKey: { invalidatesTags: ['ApiKey'] },
    revokeApiKey: { invalidatesTags: ['ApiKey'] },
    listPeople: { providesTags: ['Person'] },
    invitePerson: { invalidatesTags: ['Person'] },
    listWebhooks: { providesTags: ['Webhook'] },
    createWebhook: { invalidatesTags: ['Webhook'] },
    listPasskeys: { providesTags: ['Passkey'] },
    addPasskey: { invalidatesTags: ['Passkey'] },
    renamePasskey: { invalidatesTags: ['Passkey'] },
    removePasskey: { invalidatesTags: ['Passkey'] },
    getSecondFactor: { providesTags: ['SecondFactor'] },
    confirmAuthenticator: { invalidatesTags: ['SecondFactor'] },
    renewRecoveryCodes: { invalidatesTags: ['SecondFactor'] },
    removeAuthenticator: { invalidatesTags: ['SecondFactor'] },
  },
});
