import type { ListCouponsApiArg } from '../../shared/api/client.generated';

/** Filters of the list (A.3, A.14), under the names the API has for them; the address bar holds no others. */
export const filterNames = [
  'search',
  'status',
  'discountType',
  'applicableTo',
  'campaign',
  'merchant',
  'offer',
  'customer',
  'dateRange.field',
  'dateRange.preset',
  'dateRange.from',
  'dateRange.to',
  'usageRange.min',
  'usageRange.max',
  'revenueRange.min',
  'revenueRange.max',
  'conversionRange.min',
  'conversionRange.max',
] as const;
export type FilterName = (typeof filterNames)[number];
export type Filters = Partial<Record<FilterName, string>>;

export const statuses = ['active', 'inactive', 'scheduled', 'expired', 'limit_reached', 'flagged'] as const;
export type CouponStatus = (typeof statuses)[number];
export const discountTypes = ['percentage', 'fixed_amount', 'free_session'] as const;
export const applicableTo = ['all', 'book_a_meeting', '30_for_30', 'specific_consultants', 'first_time_users'] as const;
export const dateFields = ['created', 'expires', 'lastUsed'] as const;
export const datePresets = ['today', 'yesterday', 'last_7_days', 'last_30_days', 'last_quarter'] as const;

/** Under this name the sort somebody likes is remembered. */
export const listName = 'coupons';
export const defaultSort = 'created_desc';
const pageSize = 50;

export function readFilters(params: URLSearchParams): Filters {
  return Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = params.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}

/** A copy of the address's parameters with some filters changed; empty ones go. */
export function withFilters(params: URLSearchParams, changes: Filters): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }

  return next;
}

export function withoutFilters(params: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(params);
  filterNames.forEach((name) => next.delete(name));
  return next;
}

/** What the list asks for. Several statuses are one value, separated by commas. */
export function listArgument(filters: Filters, sort: string): ListCouponsApiArg {
  return { ...(filters as Partial<ListCouponsApiArg>), sort: sort || defaultSort, limit: pageSize };
}
