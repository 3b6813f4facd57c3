import { liveEvents, nothingOwn, ownOf, prefsOwned, prefsReceived, type OwnPrefs } from '../lib/prefs';
import { client, type PreferencesView } from './client.generated';
import { store } from './store';

const restMs = 800;

/**
 * Keeps what a person likes with their account while they are signed in (UI-12): what the account has counts in this browser,
 * and what is chosen here is saved a moment later. A key has no account, and without an answer the browser's own goes on.
 */
export function followOwnPrefs(actor: string): () => void {
  if (!actor.startsWith('person:')) return () => undefined;
  store.dispatch(prefsOwned(actor));
  const present = () => JSON.stringify(ownOf(store.getState().prefs));
  /** As the account has it; unknown before its answer. */
  let saved: string | undefined;
  let waiting: { text: string; timer: ReturnType<typeof setTimeout> } | undefined;
  const save = async (text: string) => {
    waiting = undefined;
    const own = JSON.parse(text) as OwnPrefs;
    const answer = await store.dispatch(client.endpoints.savePreferences.initiate({ preferencesView: viewOf(own) }));
    // What could not be saved stays in this browser, and goes with the next change.
    if (!answer.error) saved = text;
  };
  const look = () => {
    const text = present();
    if (saved === undefined || text === (waiting?.text ?? saved)) return;
    clearTimeout(waiting?.timer);
    waiting = { text, timer: setTimeout(() => void save(text), restMs) };
  };
  let isOver = false;
  const asked = store.dispatch(client.endpoints.getPreferences.initiate(undefined, { subscribe: false, forceRefetch: true }));
  void asked.then(({ data }) => {
    if (!data || isOver) return;
    store.dispatch(prefsReceived(prefsOf(data)));
    // What was liked here before there was anything with the account goes there.
    saved = isEmpty(data) ? JSON.stringify(nothingOwn) : present();
    look();
  });
  const unsubscribe = store.subscribe(look);
  return () => {
    isOver = true;
    unsubscribe();
    clearTimeout(waiting?.timer);
  };
}

const isEmpty = (view: PreferencesView) => Object.keys(view.sorts).length === 0 && view.recent_searches.length === 0 && view.toasts === null;

/** What the account says; what was never chosen stays as it is here. */
export function prefsOf(view: PreferencesView): Partial<OwnPrefs> {
  if (isEmpty(view)) return {};
  const { toasts } = view;
  return {
    sorts: view.sorts,
    recentSearches: [...view.recent_searches],
    ...(toasts ? { toasts: liveEvents.filter((event) => toasts.includes(event)) } : {}),
  };
}

const viewOf = ({ sorts, recentSearches, toasts }: OwnPrefs): PreferencesView => ({ sorts, recent_searches: recentSearches, toasts });
