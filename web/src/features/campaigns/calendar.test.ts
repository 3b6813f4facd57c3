import { describe, expect, it } from 'vitest';
import { isoDay, piecesOf, runsOn, spanOf, type Run } from './calendar';

const run = (id: string, start: string, end: string | null): Run => ({ id, name: id, status: 'active', start_date: start, end_date: end });

describe('the calendar of campaigns', () => {
  it('shows whole weeks of a month and whole months of a quarter', () => {
    const month = spanOf('month', new Date(2027, 1, 10));
    expect([isoDay(month.from), isoDay(month.to)]).toEqual(['2027-02-01', '2027-02-28']);
    const long = spanOf('month', new Date(2026, 10, 21));
    expect([isoDay(long.from), isoDay(long.to)]).toEqual(['2026-10-26', '2026-12-06']);
    const quarter = spanOf('quarter', new Date(2026, 10, 21));
    expect([isoDay(quarter.from), isoDay(quarter.to)]).toEqual(['2026-10-01', '2026-12-31']);
  });

  it('gives campaigns that overlap lanes of their own, and a lane that is free again to the next', () => {
    const monday = new Date(2026, 10, 16);
    const pieces = piecesOf(
      [
        run('long', '2026-11-01T00:00:00', null),
        run('early', '2026-11-16T00:00:00', '2026-11-18T00:00:00'),
        run('late', '2026-11-19T00:00:00', '2026-11-30T00:00:00'),
        run('other', '2026-12-01T00:00:00', null),
      ],
      monday,
    );
    expect(pieces.map(({ run: { id }, lane, from, days, begins, ends }) => [id, lane, from, days, begins, ends])).toEqual([
      ['long', 0, 0, 7, false, false],
      ['early', 1, 0, 2, true, true],
      ['late', 1, 3, 4, true, false],
    ]);
  });

  it('does not count the day on whose first instant a campaign ends', () => {
    const short = run('short', '2026-11-16T00:00:00', '2026-11-18T00:00:00');
    expect([15, 16, 17, 18].map((day) => runsOn(short, new Date(2026, 10, day)))).toEqual([false, true, true, false]);
  });
});
