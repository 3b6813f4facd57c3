import { createSlice, nanoid, type PayloadAction } from '@reduxjs/toolkit';

export interface Toast {
  id: string;
  kind: 'success' | 'failure' | 'info';
  text: string;
  /** Names the action in `toastActions`, which cannot be stored. */
  action?: string;
}

/** What the buttons of toasts do, by the toast's id. */
export const toastActions = new Map<string, () => void>();
const toastLimit = 4;

export const toastSlice = createSlice({
  name: 'toasts',
  initialState: [] as Toast[],
  reducers: {
    shown: {
      // What is said already is not said beside itself.
      reducer: (toasts, { payload }: PayloadAction<Toast>) => [...toasts.filter(({ text }) => text !== payload.text), payload].slice(-toastLimit),
      prepare: (toast: Omit<Toast, 'id'> & { id?: string }) => ({ payload: { id: nanoid(), ...toast } }),
    },
    dismissed: (toasts, { payload }: PayloadAction<string>) => toasts.filter((toast) => toast.id !== payload),
  },
});
