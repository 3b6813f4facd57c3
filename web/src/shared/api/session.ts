import { createSlice, type PayloadAction } from '@reduxjs/toolkit';

/** Who is signed in, as the session endpoint tells. */
export interface Session {
  actor_id: string;
  name: string;
  realm: string;
  permissions: string[];
  /** `missing`: nothing is allowed until one is set up. */
  second_factor: string;
  expires_at: string;
  csrf_token: string;
}

export interface SessionState {
  session: Session | null;
  /** Whether it ended while the app was in use. */
  ended: boolean;
}

export const sessionSlice = createSlice({
  name: 'session',
  initialState: { session: null, ended: false } as SessionState,
  reducers: {
    signedIn: (_, { payload }: PayloadAction<Session>) => ({ session: payload, ended: false }),
    signedOut: () => ({ session: null, ended: false }),
    sessionEnded: (state) => void (state.ended = state.session !== null),
  },
});

export const { signedIn, signedOut, sessionEnded } = sessionSlice.actions;
