import { client } from './client.generated';
import { store } from './store';

const mostAtOnce = 100;
const restMs = 20;

type Names = Promise<Record<string, string>>;
let waiting: { actors: Set<string>; names: Names } | undefined;

async function namesOf(actors: string[]): Names {
  const answer = await store.dispatch(client.endpoints.listActorNames.initiate({ actor: actors.join(',') }, { subscribe: false }));
  return Object.fromEntries((answer.data?.data ?? []).map(({ actor, name }) => [actor, name]));
}

/** Accounts that a page shows at the same time are asked for in one request. */
function nameOf(actor: string): Promise<string | undefined> {
  if (!waiting || waiting.actors.size >= mostAtOnce) {
    const actors = new Set<string>();
    const names = new Promise<void>((resolve) => setTimeout(resolve, restMs)).then(() => {
      if (waiting?.actors === actors) waiting = undefined;
      return namesOf([...actors]);
    });
    waiting = { actors, names };
  }
  waiting.actors.add(actor);
  return waiting.names.then((names) => names[actor]);
}

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
