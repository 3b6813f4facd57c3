import { describe, expect, it } from 'vitest';
import { seasonOf } from './seasons';

const day = (period: string, redemptions: number) => ({ period, redemptions });

describe('seasons', () => {
  it('are averages of days, so that parts of different length compare', () => {
    // Two Mondays and a Tuesday.
    const days = [day('2026-11-16', 4), day('2026-11-17', 3), day('2026-11-23', 0)];
    expect(seasonOf(days, 'weekday')).toEqual([
      { place: 0, average: 2 },
      { place: 1, average: 3 },
    ]);
    expect(seasonOf(days, 'quarter')).toEqual([{ place: 3, average: 2.33 }]);
  });

  it('begin with the first redemption', () => {
    expect(seasonOf([day('2026-10-31', 0), day('2026-11-01', 2)], 'month')).toEqual([{ place: 10, average: 2 }]);
    expect(seasonOf([day('2026-10-31', 0)], 'year')).toEqual([]);
  });
});
