import { addDays, addMonths, differenceInCalendarDays, endOfMonth, format, parseISO, startOfMonth, startOfQuarter, startOfWeek } from 'date-fns';
import type { Campaign } from '../../shared/api/client.generated';

export const views = ['month', 'quarter'] as const;
export type View = (typeof views)[number];

/** What the calendar needs of a campaign. */
export type Run = Pick<Campaign, 'id' | 'name' | 'status' | 'start_date' | 'end_date'>;

/** A piece of a campaign in one week: from its day of the week on, so many days, in a lane of its own. */
export interface Piece<T extends Run = Run> {
  run: T;
  lane: number;
  from: number;
  days: number;
  begins: boolean;
  ends: boolean;
}

export const isoDay = (day: Date) => format(day, 'yyyy-MM-dd');

/** The first and the last day a view shows: whole weeks of a month, or three months. */
export function spanOf(view: View, day: Date): { from: Date; to: Date } {
  if (view === 'quarter') {
    const from = startOfQuarter(day);
    return { from, to: endOfMonth(addMonths(from, 2)) };
  }

  const from = startOfWeek(startOfMonth(day), { weekStartsOn: 1 });
  const weeks = Math.ceil((differenceInCalendarDays(endOfMonth(day), from) + 1) / 7);
  return { from, to: addDays(from, weeks * 7 - 1) };
}

/** The first and the last day a campaign runs on, where the reader is. Its end is the first instant after it. */
export function daysOfRun(run: Run): { first: Date; last: Date | null } {
  const first = parseISO(run.start_date);
  const last = run.end_date ? new Date(parseISO(run.end_date).getTime() - 1) : null;
  return { first, last };
}

export function runsOn(run: Run, day: Date): boolean {
  const { first, last } = daysOfRun(run);
  return differenceInCalendarDays(day, first) >= 0 && (last === null || differenceInCalendarDays(last, day) >= 0);
}

/** Campaigns of a week, those that began first in the upper lanes; none covers another. */
export function piecesOf<T extends Run>(runs: T[], monday: Date): Piece<T>[] {
  const taken: number[] = [];
  const pieces: Piece<T>[] = [];
  for (const run of [...runs].sort((one, other) => one.start_date.localeCompare(other.start_date) || one.id.localeCompare(other.id))) {
    const { first, last } = daysOfRun(run);
    const begin = differenceInCalendarDays(first, monday);
    const end = last ? differenceInCalendarDays(last, monday) : 7;
    if (begin > 6 || end < 0) continue;
    const from = Math.max(0, begin);
    const until = Math.min(6, end);
    let lane = taken.findIndex((free) => free <= from);
    if (lane < 0) lane = taken.length;
    taken[lane] = until + 1;
    pieces.push({ run, lane, from, days: until - from + 1, begins: begin >= 0, ends: end <= 6 });
  }

  return pieces;
}
