import { client } from '../../shared/api/client.generated';

type Row = Record<string, unknown>;

interface Sent {
  dispatch: (action: never) => unknown;
  getState: () => unknown;
  queryFulfilled: PromiseLike<{ data: unknown }>;
}

/**
 * What a change answered stands at once in every page of a list that has it, not only when the list was asked again: who goes
 * on quickly goes on from the new version, and is not refused for one of before.
 */
export function keptUp(tag: string, id = 'id') {
  return {
    async onQueryStarted(_: unknown, { dispatch, getState, queryFulfilled }: Sent) {
      const saved = await queryFulfilled.then(
        ({ data }) => data as Row,
        () => undefined,
      );
      if (!saved) return;
      for (const { endpointName, originalArgs } of client.util.selectInvalidatedBy(getState() as never, [tag as never])) {
        const put = (answer: { data?: Row[] }) => {
          const place = answer.data?.findIndex((row) => row[id] === saved[id]) ?? -1;
          if (place >= 0) answer.data?.splice(place, 1, saved);
        };
        dispatch(client.util.updateQueryData(endpointName as never, originalArgs as never, put as never) as never);
      }
    },
  };
}
