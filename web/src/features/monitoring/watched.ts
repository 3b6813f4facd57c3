/** The filters of the monitoring page, under the names the list of coupons has for them; the address bar holds no others. */
export const watched = ['search', 'status', 'merchant', 'offer', 'campaign', 'customer', 'dateRange.field', 'dateRange.from', 'dateRange.to'] as const;
export type Watched = Partial<Record<(typeof watched)[number], string>>;

export const readWatched = (params: URLSearchParams): Watched =>
  Object.fromEntries(
    watched.flatMap((name) => {
      const value = params.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );

/** The statuses with one more, or one less. */
export function toggled(statuses: string | undefined, status: string): string {
  const chosen = (statuses ?? '').split(',').filter(Boolean);
  return (chosen.includes(status) ? chosen.filter((one) => one !== status) : [...chosen, status]).join(',');
}
