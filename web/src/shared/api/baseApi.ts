import { createApi, fetchBaseQuery, type BaseQueryFn, type FetchArgs, type FetchBaseQueryError } from '@reduxjs/toolkit/query/react';
import type { Prefs } from '../lib/prefs';
import { sessionEnded, type SessionState } from './session';

const safeMethods = ['GET', 'HEAD'];

const bare = fetchBaseQuery({
  baseUrl: '/',
  credentials: 'same-origin',
  // A list of values is one parameter, separated by commas, as the API reads it.
  paramsSerializer: (params: Record<string, unknown>) =>
    new URLSearchParams(
      Object.entries(params)
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => [name, String(value)]),
    ).toString(),
  prepareHeaders: (headers, { getState }) => {
    const { session, prefs } = getState() as { session: SessionState; prefs: Prefs };
    if (session.session) headers.set('X-CSRF-Token', session.session.csrf_token);
    headers.set('Accept', 'application/json');
    // Sentences of the service are in the language of the app.
    headers.set('Accept-Language', prefs.locale);
    return headers;
  },
  responseHandler: async (response) => {
    const type = response.headers.get('Content-Type') ?? '';
    if (type.includes('json')) return (await response.json()) as unknown;
    return response.status === 204 ? null : response.text();
  },
});

/** What a request told about itself besides its body. */
export interface AnswerMeta {
  etag?: string;
}

/** Asks the API; a session that has ended shows the sign-in over the page, which keeps its state. */
const query: BaseQueryFn<string | FetchArgs, unknown, FetchBaseQueryError> = async (args, api, extra) => {
  const method = typeof args === 'string' ? 'GET' : (args.method ?? 'GET');
  const answer = await bare(args, api, extra);
  const asksForSession = (typeof args === 'string' ? args : args.url).endsWith('/session');
  if (answer.error?.status === 401 && !asksForSession) api.dispatch(sessionEnded());
  if (answer.error?.status === 'FETCH_ERROR' && safeMethods.includes(method)) {
    // One more try: phones lose the network for a moment.
    await new Promise((resolve) => setTimeout(resolve, 600));
    return bare(args, api, extra);
  }

  return answer;
};

/** The client is generated onto this; see client.generated.ts. */
export const baseApi = createApi({
  reducerPath: 'api',
  baseQuery: query,
  endpoints: () => ({}),
  keepUnusedDataFor: 120,
  refetchOnReconnect: true,
  refetchOnFocus: true,
});
