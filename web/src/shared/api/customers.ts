import { useTranslation } from '../i18n/i18n';
import { batched } from './batched';
import { client } from './client.generated';
import { messageOf } from './problem';
import { store, useCan } from './store';

const mostAtOnce = 100;
const numberOf = batched(async (ids) => {
  const answer = await store.dispatch(client.endpoints.listCustomers.initiate({ id: ids.join(','), limit: mostAtOnce }, { subscribe: false }));
  return Object.fromEntries((answer.data?.data ?? []).map(({ id, external_id: number }) => [id, number]));
}, mostAtOnce);

const numbered = client.injectEndpoints({
  endpoints: (build) => ({
    customerNumber: build.query<string | null, string>({
      queryFn: async (id) => ({ data: (await numberOf(id)) ?? null }),
      keepUnusedDataFor: 300,
    }),
  }),
});

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The number the deployment knows a customer by, its external id; null where there is none, or it is not told. */
export function useCustomerNumber(id: string): string | null {
  const can = useCan();
  return numbered.endpoints.customerNumber.useQuery(id, { skip: !uuid.test(id) || !can('directory.read') }).data ?? null;
}

/** Finds a customer that somebody names by id or by number: the id, or why there is none. Nothing stands for nobody. */
export function useFindCustomer(): (text: string) => Promise<{ id: string; error?: undefined } | { error: string }> {
  const { t } = useTranslation();
  const can = useCan();
  const [find] = client.endpoints.listCustomers.useLazyQuery();
  return async (text) => {
    if (text === '' || uuid.test(text)) return { id: text.toLowerCase() };
    if (!can('directory.read')) return { error: t('customer.rule') };
    const answer = await find({ externalId: text, limit: 1 });
    const id = answer.data?.data[0]?.id;
    return id ? { id } : { error: answer.error ? messageOf(answer.error, t) : t('customer.unknown') };
  };
}
