import type { Interval } from './period';

/** The last day of a point of a chart, no later than its period. */
export function lastDayOf(first: string, interval: Interval, end: string): string {
  const day = new Date(`${first}T00:00:00Z`);
  if (interval === 'week') day.setUTCDate(day.getUTCDate() + 6);
  if (interval === 'month') day.setUTCMonth(day.getUTCMonth() + 1, 0);
  const last = day.toISOString().slice(0, 10);
  return last < end ? last : end;
}
