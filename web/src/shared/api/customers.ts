import { useEffect, useRef, useState } from 'react';
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

type Found = { id: string; error?: undefined } | { error: string };

/** The id of a customer that somebody names by id or by number, or why there is none. Nothing stands for nobody. */
export function useCustomerId(): (text: string) => Promise<Found> {
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

/** A search that may name a customer: only the one begun last comes to its end, and none after its form has gone. */
export function useCustomerSearch() {
  const idOf = useCustomerId();
  const [error, setError] = useState<string>();
  const begun = useRef(0);
  useEffect(
    () => () => {
      begun.current++;
    },
    [],
  );
  const search = async (text: string, onFound: (id: string) => void) => {
    const turn = ++begun.current;
    const found = await idOf(text);
    if (turn !== begun.current) return;
    setError(found.error);
    if (found.error === undefined) onFound(found.id);
  };
  return { search, error };
}
