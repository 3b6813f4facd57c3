import { configureStore } from '@reduxjs/toolkit';
import { setupListeners } from '@reduxjs/toolkit/query';
import { useDispatch, useSelector } from 'react-redux';
import { prefsSlice, rememberPrefs } from '../lib/prefs';
import { liveSlice } from '../live/liveSlice';
import { toastSlice } from '../ui/toastSlice';
import { baseApi } from './baseApi';
import { sessionSlice } from './session';

/** Answers of the API, the session, likings and toasts. Everything else about a view is in its address. */
export const store = configureStore({
  reducer: {
    [baseApi.reducerPath]: baseApi.reducer,
    session: sessionSlice.reducer,
    prefs: prefsSlice.reducer,
    toasts: toastSlice.reducer,
    live: liveSlice.reducer,
  },
  middleware: (standard) => standard().concat(baseApi.middleware),
});

setupListeners(store.dispatch);

let known = store.getState().prefs;
store.subscribe(() => {
  const { prefs } = store.getState();
  if (prefs !== known) {
    known = prefs;
    rememberPrefs(prefs);
  }
});

export type RootState = ReturnType<typeof store.getState>;
export const useAppDispatch = useDispatch.withTypes<typeof store.dispatch>();
export const useAppSelector = useSelector.withTypes<RootState>();

/** Whether the signed-in person may do this, or one of these; menus and buttons ask this, the server decides. */
export function useCan() {
  const permissions = useAppSelector((state) => state.session.session?.permissions);
  return (wanted: string | readonly string[] | undefined) =>
    wanted === undefined || [wanted].flat().some((permission) => permissions?.includes(permission));
}
