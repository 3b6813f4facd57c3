import { useEffect, useMemo, useState } from 'react';
import { shallowEqual } from 'react-redux';
import type { QueryFailure } from './problem';
import { useAppDispatch, useAppSelector } from './store';

interface Page<Row> {
  data: Row[];
  has_more: boolean;
  next_cursor: string | null;
}

interface PageState<Row> {
  data?: Page<Row> | undefined;
  error?: QueryFailure | undefined;
  isError: boolean;
  isLoading?: boolean;
  status: string;
}

/** The part of a generated list endpoint that this needs. */
interface PagedEndpoint<Arg, Row> {
  // The thunk's own type names half of RTK Query; what it gives back is all that counts here.
  initiate: (arg: Arg) => unknown;
  select: (arg: Arg) => (state: never) => PageState<Row>;
}

interface Subscription {
  unsubscribe: () => void;
  refetch: () => unknown;
}

export interface Pages<Row> {
  rows: Row[];
  /** Nothing has come yet. */
  isLoading: boolean;
  /** The next page is under way. */
  isLoadingMore: boolean;
  hasMore: boolean;
  error: QueryFailure | undefined;
  loadMore: () => void;
  refetch: () => void;
}

/** Follows a list from page to page by its cursor; each page stays subscribed, so changes reach all of them. */
export function usePages<Arg extends { cursor?: string }, Row>(endpoint: PagedEndpoint<Arg, Row>, arg: Arg, skip = false): Pages<Row> {
  const dispatch = useAppDispatch();
  const key = JSON.stringify(arg);
  const [walk, setWalk] = useState<{ key: string; cursors: (string | undefined)[] }>({ key, cursors: [undefined] });
  const cursors = walk.key === key ? walk.cursors : [undefined];
  const shape = key + cursors.join('|');
  // The argument is compared by what is in it; callers make a new object each time.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const args = useMemo(() => cursors.map((cursor) => (cursor === undefined ? arg : { ...arg, cursor })), [shape]);
  const [subscriptions, setSubscriptions] = useState<Subscription[]>([]);
  useEffect(() => {
    if (skip) return;
    const made = args.map((one) => dispatch(endpoint.initiate(one) as never) as unknown as Subscription);
    setSubscriptions(made);
    return () => made.forEach((subscription) => subscription.unsubscribe());
  }, [args, dispatch, endpoint, skip]);
  const pages = useAppSelector((state) => args.map((one) => endpoint.select(one)(state as never)), shallowEqual);
  const last = pages[pages.length - 1];
  const rows = useMemo(() => pages.flatMap((page) => page.data?.data ?? []), [pages]);
  const next = last?.data?.next_cursor ?? undefined;
  const hasMore = last?.data?.has_more ?? false;
  return {
    rows,
    isLoading: !skip && pages[0]?.data === undefined && !pages[0]?.isError,
    isLoadingMore: cursors.length > 1 && last?.data === undefined && !last?.isError,
    hasMore,
    error: pages.find((page) => page.isError)?.error,
    loadMore: () => {
      if (next && hasMore && !cursors.includes(next)) setWalk({ key, cursors: [...cursors, next] });
    },
    refetch: () => subscriptions.forEach((subscription) => subscription.refetch()),
  };
}
