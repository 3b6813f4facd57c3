import { client } from '../../shared/api/client.generated';

export const notificationsApi = client.enhanceEndpoints({
  addTagTypes: ['Notification'],
  endpoints: {
    listNotifications: { providesTags: ['Notification'] },
    replayNotification: { invalidatesTags: ['Notification'] },
  },
});
