/** Days of a zone. The API has instants and half-open windows; people have first and last days. */

function dayOf(at: Date, zone: string): string {
  try {
    // The Swedish form of a date is the ISO one.
    return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at);
  } catch {
    return at.toISOString().slice(0, 10);
  }
}

export const todayIn = (zone: string) => dayOf(new Date(), zone);

export const startDayOf = (instant: string, zone: string) => dayOf(new Date(instant), zone);

/** The last day of a window that ends before an instant. */
export const endDayOf = (instant: string, zone: string) => dayOf(new Date(new Date(instant).getTime() - 1), zone);

/** Zones the browser knows, for suggestions. */
export const knownZones: readonly string[] = ['UTC', ...Intl.supportedValuesOf('timeZone')];
