import { batched } from './batched';
import { client } from './client.generated';
import { store } from './store';

const nameOf = batched(async (actors) => {
  const answer = await store.dispatch(client.endpoints.listActorNames.initiate({ actor: actors.join(',') }, { subscribe: false }));
  return Object.fromEntries((answer.data?.data ?? []).map(({ actor, name }) => [actor, name]));
}, 100);

const named = client.injectEndpoints({
  endpoints: (build) => ({
    actorName: build.query<string | null, string>({
      queryFn: async (actor) => ({ data: (await nameOf(actor)) ?? null }),
      keepUnusedDataFor: 300,
    }),
  }),
});

/** What the account of a record is called: person:… or key:…; null for a job, or where that is not told. */
export function useActorName(actor: string): string | null {
  const isAccount = actor.startsWith('person:') || actor.startsWith('key:');
  return named.endpoints.actorName.useQuery(actor, { skip: !isAccount }).data ?? null;
}
