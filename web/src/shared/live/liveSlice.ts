import { createSlice, type PayloadAction } from '@reduxjs/toolkit';

export interface LiveState {
  /** Whether what is shown follows the service; `off` for those who may not, and before the first connection. */
  status: 'off' | 'live' | 'stale';
  /** When the service was last heard, in milliseconds since 1970. */
  heardAt: number;
}

export const liveSlice = createSlice({
  name: 'live',
  initialState: { status: 'off', heardAt: 0 } as LiveState,
  reducers: {
    liveChanged: (_, { payload }: PayloadAction<LiveState>) => payload,
  },
});

export const { liveChanged } = liveSlice.actions;
