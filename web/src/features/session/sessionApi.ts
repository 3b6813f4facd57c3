import { baseApi } from '../../shared/api/baseApi';
import type { Session } from '../../shared/api/session';

export type Credentials =
  | { realm: 'staff'; email: string; password: string; code?: string }
  | { api_key: string };

/** Signing in and out. The session is kept in the store, not in the cache of answers, so it is written by hand. */
export const sessionApi = baseApi.injectEndpoints({
  endpoints: (build) => ({
    findSession: build.query<Session, undefined>({ query: () => 'api/v1/session' }),
    signIn: build.mutation<Session, Credentials>({
      query: (body) => ({ url: 'api/v1/session', method: 'POST', body }),
    }),
    signOut: build.mutation<unknown, undefined>({ query: () => ({ url: 'api/v1/session', method: 'DELETE' }) }),
  }),
});
