import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Locale } from '../i18n/i18n';

export type Theme = 'system' | 'light' | 'dark' | 'contrast';

/** What the live stream tells of a coupon (A.13). */
export const liveEvents = ['coupon_used', 'fraud_detected', 'limit_reached', 'expired'] as const;
export type LiveEvent = (typeof liveEvents)[number];

/** What a person likes on this machine. Nothing secret: it is in the browser's storage. */
export interface Prefs {
  theme: Theme;
  locale: Locale;
  /** Sort of lists by name of the list (UI-12). */
  sorts: Record<string, string>;
  /** Last things searched for, newest first (UI-11). */
  recentSearches: string[];
  phoneLayout: 'cards' | 'accordion';
  /** Of which live events a message tells (NTF-10). Single uses are too many, unless somebody wants them. */
  toasts: LiveEvent[];
}

const place = 'tessera.prefs';
const recentLimit = 8;

function readPrefs(): Prefs {
  const locale: Locale = typeof navigator !== 'undefined' && navigator.language.startsWith('de') ? 'de' : 'en';
  const initial: Prefs = { theme: 'system', locale, sorts: {}, recentSearches: [], phoneLayout: 'cards', toasts: ['fraud_detected', 'limit_reached', 'expired'] };
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Prefs>) };
  } catch {
    // Storage may be forbidden or hold something else; then nothing is remembered.
    return initial;
  }
}

export const prefsSlice = createSlice({
  name: 'prefs',
  initialState: readPrefs,
  reducers: {
    themeChosen: (prefs, { payload }: PayloadAction<Theme>) => void (prefs.theme = payload),
    localeChosen: (prefs, { payload }: PayloadAction<Locale>) => void (prefs.locale = payload),
    sortChosen: (prefs, { payload }: PayloadAction<{ list: string; sort: string }>) =>
      void (prefs.sorts[payload.list] = payload.sort),
    phoneLayoutChosen: (prefs, { payload }: PayloadAction<Prefs['phoneLayout']>) => void (prefs.phoneLayout = payload),
    toastsChosen: (prefs, { payload }: PayloadAction<LiveEvent[]>) => void (prefs.toasts = payload),
    searched: (prefs, { payload }: PayloadAction<string>) => {
      prefs.recentSearches = [payload, ...prefs.recentSearches.filter((text) => text !== payload)].slice(0, recentLimit);
    },
  },
});

export function rememberPrefs(prefs: Prefs) {
  try {
    localStorage.setItem(place, JSON.stringify(prefs));
  } catch {
    // Full or forbidden storage: the choice holds until the page is left.
  }
}

export const { themeChosen, localeChosen, sortChosen, searched, phoneLayoutChosen, toastsChosen } = prefsSlice.actions;
