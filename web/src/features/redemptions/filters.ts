import type { ListRedemptionsApiArg } from '../../shared/api/client.generated';

/** What one looks for by typing. */
export const searchable = ['order_reference', 'coupon_code', 'customer_id', 'campaign_id', 'from', 'to'] as const;

/** What a figure carries over besides (MET-24). */
const carried = [
  'coupon_id',
  'status',
  'currency',
  'booking',
  'discount_type',
  'applicable_to',
  'channel',
  'location',
  'marketing_channel',
  'utm_source',
  'without',
  'touch',
  'weekday',
  'month',
  'quarter',
] as const;
const names = [...searchable, ...carried];
export type FilterName = (typeof names)[number] | 'result' | 'reason' | 'once' | 'standing';
export type Filters = Partial<Record<FilterName, string>>;

/** The filters in an address; others than these are not the page's. */
export const readFilters = (params: URLSearchParams, of: readonly FilterName[] = names): Filters =>
  Object.fromEntries(
    of.flatMap((name) => {
      const value = params.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );

const asNumber = (text: string | undefined) => (text && /^\d+$/.test(text) ? Number(text) : undefined);

/** What the service is asked for; member by member, so that a name the request does not have does not compile. */
export function argumentOf(wanted: Filters): Omit<ListRedemptionsApiArg, 'limit' | 'cursor'> {
  const all = {
    orderReference: wanted.order_reference,
    customerId: wanted.customer_id,
    couponId: asNumber(wanted.coupon_id),
    couponCode: wanted.coupon_code,
    campaignId: wanted.campaign_id,
    from: wanted.from,
    to: wanted.to,
    status: wanted.status as ListRedemptionsApiArg['status'],
    currency: wanted.currency,
    booking: wanted.booking as ListRedemptionsApiArg['booking'],
    discountType: wanted.discount_type as ListRedemptionsApiArg['discountType'],
    applicableTo: wanted.applicable_to as ListRedemptionsApiArg['applicableTo'],
    channel: wanted.channel,
    location: wanted.location,
    marketingChannel: wanted.marketing_channel,
    utmSource: wanted.utm_source,
    without: wanted.without,
    touch: wanted.touch as ListRedemptionsApiArg['touch'],
    weekday: asNumber(wanted.weekday),
    month: asNumber(wanted.month),
    quarter: asNumber(wanted.quarter),
  } satisfies { [Name in keyof ListRedemptionsApiArg]?: ListRedemptionsApiArg[Name] | undefined };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
