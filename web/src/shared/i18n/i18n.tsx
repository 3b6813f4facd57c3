import { createContext, useContext, useMemo, type ReactNode } from 'react';
import { en } from './en';
import type { enRest } from './en.rest';

/** Every text of the app; a text that only one language has does not compile. */
export type Messages = typeof en & typeof enRest;
type Plain = keyof Messages;
/** A key as it is, or the stem of a pair `….one` and `….other`. */
export type MessageKey = Plain | StemOf<Plain>;
type StemOf<K> = K extends `${infer Stem}.other` ? Stem : never;
type Values = Record<string, string | number>;

export type Locale = 'en' | 'de';
export const locales: readonly Locale[] = ['en', 'de'];

export interface Translation {
  locale: Locale;
  t: (key: MessageKey, values?: Values) => string;
  /** The text for a word of the API, or the word itself if we have none for it. */
  word: (family: string, value: string) => string;
  /** All words of a family that have a text, with it. */
  words: (family: string) => [value: string, text: string][];
}

/** The texts of a language; all but English are fetched when first wanted. */
export async function loadMessages(locale: Locale): Promise<Messages> {
  return locale === 'de' ? (await import('./de')).de : (en as Messages);
}

let rest: Promise<unknown> | undefined;

/** A part that is fetched later, with the texts that are as well; a text is looked up when it is shown. */
export async function withTexts<Part>(part: Promise<Part>): Promise<Part> {
  rest ??= import('./en.rest').then((module) => Object.assign(en, module.enRest));
  try {
    await rest;
  } catch (error) {
    // The next part asks for them again.
    rest = undefined;
    throw error;
  }

  return part;
}

export function translator(locale: Locale, messages: Messages): Translation {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  const texts = messages as Record<string, string>;
  const t = (key: MessageKey, values: Values = {}) => {
    const count = values.count;
    const form = typeof count === 'number' ? texts[`${key}.${plural.select(count)}`] : undefined;
    const text = form ?? texts[key] ?? texts[`${key}.other`] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value;
    });
  };
  return {
    locale,
    t,
    word: (family, value) => texts[`${family}.${value}`] ?? value.replaceAll('_', ' '),
    words: (family) => Object.entries(texts).flatMap(([key, text]) => (key.startsWith(`${family}.`) ? [[key.slice(family.length + 1), text]] : [])),
  };
}

const Context = createContext<Translation>(translator('en', en as Messages));

export function TranslationProvider(props: { locale: Locale; messages: Messages; children: ReactNode }) {
  const value = useMemo(() => translator(props.locale, props.messages), [props.locale, props.messages]);
  return <Context.Provider value={value}>{props.children}</Context.Provider>;
}

export const useTranslation = () => useContext(Context);
