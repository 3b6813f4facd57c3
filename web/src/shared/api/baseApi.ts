import { nanoid } from '@reduxjs/toolkit';
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

type Query = typeof query;

/** Changes that are under way, by what they ask for; and the keys of those whose answer never came. */
const underWay = new Map<string, ReturnType<Query>>();
const unanswered = new Map<string, string>();

/**
 * A change is made once however often it is asked for. A second click, or Enter pressed twice, gets the answer of the first
 * while that is under way; what was cut off may have happened, so it is asked for again under its key (convention 17). Files
 * are not compared.
 */
const once: Query = (args, api, extra) => {
  if (typeof args === 'string' || safeMethods.includes(args.method ?? 'GET') || args.body instanceof FormData) return query(args, api, extra);
  const wanted = JSON.stringify([args.method, args.url, args.params, args.body]);
  const sent = underWay.get(wanted);
  if (sent) return sent;
  const key = (args.headers as Record<string, string | undefined> | undefined)?.['Idempotency-Key'] ?? unanswered.get(wanted) ?? `web-${nanoid()}`;
  const send = async () => {
    try {
      const answer = await query({ ...args, headers: { ...args.headers, 'Idempotency-Key': key } as Record<string, string> }, api, extra);
      if (typeof answer.error?.status === 'string') unanswered.set(wanted, key);
      else unanswered.delete(wanted);
      return answer;
    } finally {
      underWay.delete(wanted);
    }
  };
  const sending = send();
  underWay.set(wanted, sending);
  return sending;
};

/** The client is generated onto this; see client.generated.ts. */
export const baseApi = createApi({
  reducerPath: 'api',
  baseQuery: once,
  endpoints: () => ({}),
  keepUnusedDataFor: 120,
  refetchOnReconnect: true,
  refetchOnFocus: true,
});
