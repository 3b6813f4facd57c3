export const seasons = ['weekday', 'month', 'quarter', 'year'] as const;
export type Season = (typeof seasons)[number];

interface DayCount {
  period: string;
  redemptions: number;
}

/** Where a day stands in a season: Monday is 0, January 0, the first quarter 0, the year itself. */
function placeOf(iso: string, season: Season): number {
  const day = new Date(`${iso}T12:00:00Z`);
  switch (season) {
    case 'weekday':
      return (day.getUTCDay() + 6) % 7;
    case 'month':
      return day.getUTCMonth();
    case 'quarter':
      return Math.floor(day.getUTCMonth() / 3);
    case 'year':
      return day.getUTCFullYear();
  }
}

/**
 * Redemptions of an average day in each part of a season, so that a month that is not over, or one that came twice, can be
 * compared. Days before the first redemption do not count: the coupon may not have been there.
 */
export function seasonOf(days: DayCount[], season: Season): { place: number; average: number }[] {
  const first = days.findIndex(({ redemptions }) => redemptions > 0);
  if (first < 0) return [];
  const sums = new Map<number, { total: number; days: number }>();
  for (const { period, redemptions } of days.slice(first)) {
    const place = placeOf(period, season);
    const { total, days: counted } = sums.get(place) ?? { total: 0, days: 0 };
    sums.set(place, { total: total + redemptions, days: counted + 1 });
  }

  return [...sums].sort(([one], [other]) => one - other).map(([place, { total, days: counted }]) => ({ place, average: Math.round((100 * total) / counted) / 100 }));
}

/** The filter of the lists for a part of a season; a year is a span of days. */
export function partOf(season: Season, place: number, days: { from: string; to: string }): Record<string, string | number> {
  if (season !== 'year') return { [season]: place + 1 };
  const [first, last] = [`${place}-01-01`, `${place}-12-31`];
  return { from: first < days.from ? days.from : first, to: last < days.to ? last : days.to };
}
