import { format, formatDistanceToNowStrict, isValid, parseISO } from 'date-fns';
import { de as deLocale, enGB } from 'date-fns/locale';
import type { Locale } from '../i18n/i18n';

const dateLocale = (locale: Locale) => (locale === 'de' ? deLocale : enGB);
/** A day of the month: German has a point behind it. */
const dayOf = (locale: Locale) => (locale === 'de' ? 'd.' : 'd');
const numberFormats = new Map<string, Intl.NumberFormat>();

/** Number formats are costly to make and lists need thousands of them. */
function numberFormat(locale: Locale, options: Intl.NumberFormatOptions) {
  const key = locale + JSON.stringify(options);
  let made = numberFormats.get(key);
  if (!made) {
    made = new Intl.NumberFormat(locale, options);
    numberFormats.set(key, made);
  }

  return made;
}

/** What stands where somebody may not see an amount. */
const hidden = '–';

/**
 * An amount in major units, with as many decimals as its currency has; whole amounts without, unless they
 * stand below one another.
 */
export function formatAmount(amount: number | undefined, currency: string, locale: Locale, isExact = false): string {
  if (amount === undefined) return hidden;
  const whole = !isExact && Number.isInteger(amount);
  try {
    return numberFormat(locale, { style: 'currency', currency, ...(whole ? { maximumFractionDigits: 0 } : {}) }).format(amount);
  } catch {
    return `${amount} ${currency}`;
  }
}

/** Decimals of a currency: 2 for EUR, 0 for JPY. */
export function decimalsOf(currency: string): number {
  try {
    return numberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** An amount in minor units, as redemptions carry it. */
export function formatMinor(money: { amount: number; currency: string } | undefined, locale: Locale): string {
  if (!money) return hidden;
  return formatAmount(money.amount / 10 ** decimalsOf(money.currency), money.currency, locale, true);
}

export const formatCount = (value: number, locale: Locale) => numberFormat(locale, {}).format(value);

/** A share from 0 to 1. */
export const formatShare = (share: number, locale: Locale) =>
  numberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(share);

export function formatDay(iso: string | null | undefined, locale: Locale): string {
  const at = iso ? parseISO(iso) : undefined;
  return at && isValid(at) ? format(at, `${dayOf(locale)} MMM yyyy`, { locale: dateLocale(locale) }) : '';
}

export function formatInstant(iso: string | null | undefined, locale: Locale): string {
  const at = iso ? parseISO(iso) : undefined;
  return at && isValid(at) ? format(at, `${dayOf(locale)} MMM yyyy, HH:mm:ss`, { locale: dateLocale(locale) }) : '';
}

/** Hour and minute, where the reader is. */
export const formatTime = (iso: string) => format(parseISO(iso), 'HH:mm');

export function formatAgo(iso: string, locale: Locale): string {
  const at = parseISO(iso);
  return isValid(at) ? formatDistanceToNowStrict(at, { addSuffix: true, locale: dateLocale(locale) }) : '';
}

export const formatMonth = (day: Date, locale: Locale) => format(day, 'LLLL yyyy', { locale: dateLocale(locale) });

/** A day on an axis. */
export const formatShortDay = (iso: string, locale: Locale) => format(parseISO(iso), `${dayOf(locale)} MMM`, { locale: dateLocale(locale) });

/** The sign of a currency, as short as it may be: $, €. */
export const currencySign = (currency: string, locale: Locale) =>
  numberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
    .formatToParts(0)
    .find((part) => part.type === 'currency')?.value;
