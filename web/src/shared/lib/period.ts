import { format, subDays } from 'date-fns';

export const periods = ['7', '30', '90', '365'] as const;
export type PeriodName = (typeof periods)[number];
export const intervals = ['day', 'week', 'month'] as const;
export type Interval = (typeof intervals)[number];

/** Days of a period that ends today, in UTC as the figures are. */
export function daysOf(name: PeriodName, now = new Date()): { from: string; to: string } {
  const utc = new Date(now.getTime() + now.getTimezoneOffset() * 60_000);
  return { from: format(subDays(utc, Number(name) - 1), 'yyyy-MM-dd'), to: format(utc, 'yyyy-MM-dd') };
}

/** A length of points that keeps a chart readable. */
export const intervalFor = (name: PeriodName): Interval => (name === '365' ? 'month' : name === '90' ? 'week' : 'day');

export function readPeriod(params: URLSearchParams): { period: PeriodName; interval: Interval } {
  const period = periods.find((one) => one === params.get('period')) ?? '30';
  return { period, interval: intervals.find((one) => one === params.get('interval')) ?? intervalFor(period) };
}
