import { signedIn } from '../../shared/api/session';
import { useAppDispatch } from '../../shared/api/store';
import { settingsApi } from './settingsApi';

/** Asks again who one is and what one may do: a second factor changes that. */
export function useSessionAnew() {
  const dispatch = useAppDispatch();
  return async () => {
    const answer = await dispatch(settingsApi.endpoints.getSession.initiate(undefined, { forceRefetch: true, subscribe: false }));
    if (answer.data) dispatch(signedIn(answer.data));
  };
}
