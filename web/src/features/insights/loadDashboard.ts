import { store } from '../../shared/api/store';
import { daysOf, readPeriod } from '../../shared/lib/period';
import { figuresApi } from '../../shared/api/figures';

/** Asks for the figures of the dashboard while the page itself is still being fetched. */
export function loadDashboard(address: string): null {
  const { period, interval } = readPeriod(new URL(address).searchParams);
  const days = daysOf(period);
  void store.dispatch(figuresApi.endpoints.getSystemAnalytics.initiate(days, { subscribe: false }));
  void store.dispatch(figuresApi.endpoints.getTimeline.initiate({ ...days, interval }, { subscribe: false }));
  return null;
}
