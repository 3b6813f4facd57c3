import { lazy, Suspense, useEffect, useState } from 'react';
import { RouterProvider } from 'react-router/dom';
import { client } from '../shared/api/client.generated';
import { problemOf } from '../shared/api/problem';
import { followOwnPrefs } from '../shared/api/ownPrefs';
import { signedIn } from '../shared/api/session';
import { useAppDispatch, useAppSelector } from '../shared/api/store';
import { loadMessages, TranslationProvider, type Locale, type Messages, withTexts } from '../shared/i18n/i18n';
import type { Theme } from '../shared/lib/prefs';
import { ErrorState } from '../shared/ui/States';
import { Toasts } from '../shared/ui/Toasts';
import { router } from './routes';

/** With the form library, which the list of coupons does not need. */
const SignIn = lazy(() => withTexts(import('../features/session/SignIn')).then((module) => ({ default: module.SignIn })));

/** Language, theme and session; then the pages. */
export function App({ messages }: { messages: Messages }) {
  const { locale, theme } = useAppSelector((state) => state.prefs);
  const [texts, setTexts] = useState({ locale, messages });
  useTheme(theme);
  useEffect(() => {
    let wanted = true;
    document.documentElement.lang = locale;
    void loadMessages(locale).then((loaded) => wanted && setTexts({ locale, messages: loaded }));
    return () => void (wanted = false);
  }, [locale]);
  return (
    <TranslationProvider locale={texts.locale as Locale} messages={texts.messages}>
      <SignedIn />
      <Toasts />
    </TranslationProvider>
  );
}

function SignedIn() {
  const dispatch = useAppDispatch();
  const session = useAppSelector((state) => state.session.session);
  const { data, error, isLoading, refetch } = client.endpoints.getSession.useQuery(undefined, { skip: session !== null });
  useEffect(() => {
    if (data && !session) dispatch(signedIn(data));
  }, [data, session, dispatch]);
  const actor = session?.actor_id;
  useEffect(() => (actor ? followOwnPrefs(actor) : undefined), [actor]);
  if (session) return <RouterProvider router={router} />;
  // Asked again when somebody comes back to the window: the form they were at stays as it is.
  if ((isLoading && !error) || data) return null;
  const isAbsent = problemOf(error)?.status === 401;
  return (
    <main className="sign-in">
      <div className="card sign-in__card">
        <div className="brand">
          <img src="/app/icon.svg" alt="" />
          Tessera
        </div>
        {isAbsent ? (
          <Suspense>
            <SignIn />
          </Suspense>
        ) : <ErrorState error={error} onRetry={refetch} />}
      </div>
    </main>
  );
}

/** The chosen theme, or what the system says; high contrast follows the system too (UI-15). */
function useTheme(theme: Theme) {
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const contrast = matchMedia('(prefers-contrast: more)');
    const apply = () => {
      const system = contrast.matches ? 'contrast' : dark.matches ? 'dark' : 'light';
      document.documentElement.dataset.theme = theme === 'system' ? system : theme;
    };
    apply();
    dark.addEventListener('change', apply);
    contrast.addEventListener('change', apply);
    return () => {
      dark.removeEventListener('change', apply);
      contrast.removeEventListener('change', apply);
    };
  }, [theme]);
}
