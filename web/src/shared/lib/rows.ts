import type { Interval } from './period';
import { lastDayOf } from './lastDay';

type Filter = Record<string, string | number | null | undefined>;

/** Days of a figure, both counted. */
export type Span = { from: string; to: string };

function address(path: string, filter: Filter): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  const query = params.toString();
  return query ? `${path}?${query}` : path;
}

/** Where the rows of a figure are (MET-24): the lists name them by the same filters as the service. */
export const rows = {
  redemptions: (filter: Filter) => address('/redemptions', filter),
  /** Those that stand, in the currency of a sum. */
  money: (filter: Filter, currency: string) => address('/redemptions', { ...filter, status: 'redeemed', currency }),
  attempts: (filter: Filter) => address('/redemptions/attempts', filter),
  refusals: (filter: Filter) => address('/redemptions/attempts', { ...filter, result: 'refused' }),
  /** What a rate of conversion is made of. */
  tries: (filter: Filter) => address('/redemptions/attempts', { ...filter, result: 'redeemed,refused' }),
  views: (filter: Filter) => address('/redemptions/views', filter),
  /** Uses that are held for a checkout. */
  held: (filter: Filter) => address('/redemptions/attempts', { ...filter, result: 'held', standing: 'true' }),
  /** Of a partner. */
  calls: (connector: string, filter: Filter = {}) => address(`/settings/connectors/${connector}`, filter),
  commands: (connector: string, filter: Filter = {}) => address(`/settings/connectors/${connector}`, { show: 'commands', ...filter }),
  /** Of the expiry pipeline: its jobs, the events it told of units that ended, and its work by the minute. */
  jobs: (filter: Filter) => `${address('/expiry', filter)}#jobs`,
  told: (filter: Filter = {}) => address('/expiry/told', filter),
  minutes: (filter: Filter = {}) => address('/expiry/told', { show: 'minutes', ...filter }),
};

/** The time that ends at an instant, as a filter: what was measured then is of it. */
export const before = (end: string, ms: number) => ({ from: new Date(Date.parse(end) - ms).toISOString(), to: end });

/** The days of a point of a chart: the first and last points of a period may be cut off by it. */
export function spanOf(first: string, interval: Interval, days: Span): Span {
  return { from: first < days.from ? days.from : first, to: lastDayOf(first, interval, days.to) };
}

/** The filter for a share of redemptions by its key; those without one have a filter of their own. */
export const shareOf = (by: string, key: string): Filter => (key === '' ? { without: by } : { [by === 'campaign' || by === 'coupon' ? `${by}_id` : by]: key });
