import { useEffect, useRef } from 'react';
import type { Pages } from './usePages';

/** How often a list that is looked at asks again; a break shows within this time. */
const everyMs = 5_000;
/** A list that was walked far is not asked for as a whole every few seconds. */
const mostRows = 200;

/** Keeps the figures of a list live while somebody looks at it (UI-10). */
export function useLive<Row>(pages: Pages<Row>) {
  const latest = useRef(pages);
  latest.current = pages;
  useEffect(() => {
    const timer = setInterval(() => {
      const { rows, refetch, isLoading } = latest.current;
      if (!document.hidden && !isLoading && rows.length <= mostRows) refetch();
    }, everyMs);
    return () => clearInterval(timer);
  }, []);
}
