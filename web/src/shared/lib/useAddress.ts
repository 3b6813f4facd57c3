import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

type Params = URLSearchParams | Record<string, string>;
type Next = Params | ((present: URLSearchParams) => Params);

/**
 * The parameters in the address, and how to change them. A change is on the page before the next key is taken: the router
 * would else bring it later than the event in which it was made, a control would show again what it showed before, and the
 * second of two quick presses would go on from there.
 */
export function useAddress() {
  const [params, setParams] = useSearchParams();
  /** In the place of the present entry of the history; a search that was sent off gets one of its own. */
  const change = useCallback((next: Next, { asStep = false } = {}) => setParams(next, { replace: !asStep, flushSync: true }), [setParams]);
  return [params, change] as const;
}
