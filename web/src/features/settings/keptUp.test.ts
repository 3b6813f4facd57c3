import { configureStore } from '@reduxjs/toolkit';
import { expect, it } from 'vitest';
import { baseApi } from '../../shared/api/baseApi';
import { keptUp } from './keptUp';
import { settingsApi } from './settingsApi';

it('puts what a change answered into the pages that have it, and nowhere else', async () => {
  const store = configureStore({ reducer: { api: baseApi.reducer }, middleware: (standard) => standard().concat(baseApi.middleware) });
  const region = (id: string, version: number) => ({ id, version }) as never;
  const page = { data: [region('AT', 1), region('DE', 1)], has_more: false, next_cursor: null } as never;
  const arg = { limit: 50 };
  await store.dispatch(settingsApi.util.upsertQueryData('listRegions', arg, page) as never);
  const { dispatch, getState } = store;
  const changed = (data: unknown) => keptUp('Region').onQueryStarted(undefined, { dispatch: dispatch as never, getState, queryFulfilled: Promise.resolve({ data }) });
  await changed(region('DE', 2));
  await changed(region('FR', 7));
  const now = settingsApi.endpoints.listRegions.select(arg)(getState() as never);
  expect(now.data?.data).toEqual([region('AT', 1), region('DE', 2)]);
});
