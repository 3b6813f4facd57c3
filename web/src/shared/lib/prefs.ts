import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Locale } from '../i18n/i18n';

export type Theme = 'system' | 'light' | 'dark' | 'contrast';

/** What the live stream tells of a coupon (A.13). */
export const liveEvents = ['coupon_used', 'fraud_detected', 'limit_reached', 'expired'] as const;
export type LiveEvent = (typeof liveEvents)[number];

/** What follows a person to every browser: kept with the account. */
export interface OwnPrefs {
  /** Sort of lists by name of the list (UI-12). */
  sorts: Record<string, string>;
  /** Last things searched for, newest first (UI-11). */
  recentSearches: string[];
  /** Of which live events a message tells (NTF-10). Single uses are too many, unless somebody wants them. */
  toasts: LiveEvent[];
}

/** What a person likes, and what is liked on this machine. Nothing secret: it is in the browser's storage too. */
export interface Prefs extends OwnPrefs {
  theme: Theme;
  locale: Locale;
  phoneLayout: 'cards' | 'accordion';
  /** Whose the own ones are; nobody's before somebody has signed in. */
  owner?: string;
}

const place = 'tessera.prefs';
const recentLimit = 8;
const longestSearch = 200;
/** Before anything was chosen. */
export const nothingOwn: OwnPrefs = { sorts: {}, recentSearches: [], toasts: ['fraud_detected', 'limit_reached', 'expired'] };

/** The part that is a person's own. */
export const ownOf = ({ sorts, recentSearches, toasts }: OwnPrefs): OwnPrefs => ({ sorts, recentSearches, toasts });

function readPrefs(): Prefs {
  const locale: Locale = typeof navigator !== 'undefined' && navigator.language.startsWith('de') ? 'de' : 'en';
  const initial: Prefs = { theme: 'system', locale, phoneLayout: 'cards', ...nothingOwn };
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
      const wanted = payload.slice(0, longestSearch);
      prefs.recentSearches = [wanted, ...prefs.recentSearches.filter((text) => text !== wanted)].slice(0, recentLimit);
    },
    /** Somebody signs in: what another left in this browser is not theirs; what nobody's is becomes theirs. */
    prefsOwned: (prefs, { payload }: PayloadAction<string>) => {
      if (prefs.owner && prefs.owner !== payload) Object.assign(prefs, nothingOwn);
      prefs.owner = payload;
    },
    /** What the account has. */
    prefsReceived: (prefs, { payload }: PayloadAction<Partial<OwnPrefs>>) => void Object.assign(prefs, payload),
  },
});

export function rememberPrefs(prefs: Prefs) {
  try {
    localStorage.setItem(place, JSON.stringify(prefs));
  } catch {
    // Full or forbidden storage: the choice holds until the page is left.
  }
}

export const { themeChosen, localeChosen, sortChosen, searched, phoneLayoutChosen, toastsChosen, prefsOwned, prefsReceived } = prefsSlice.actions;
