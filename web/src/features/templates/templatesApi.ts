import { client } from '../../shared/api/client.generated';

export const templatesApi = client.enhanceEndpoints({
  addTagTypes: ['Template'],
  endpoints: {
    listTemplates: { providesTags: ['Template'] },
    createTemplate: { invalidatesTags: ['Template'] },
    deleteTemplate: { invalidatesTags: ['Template'] },
  },
});
