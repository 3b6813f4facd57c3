import { store } from '../../shared/api/store';
import { daysOf, readPeriod } from '../../shared/lib/period';
import { insightsApi } from './insightsApi';

/** Asks for the figures of the dashboard while the page itself is still being fetched. */
export function loadDashboard(address: string): null {
  const { period, interval } = readPeriod(new URL(address).searchParams);
  const days = daysOf(period);
  void store.dispatch(insightsApi.endpoints.getSystemAnalytics.initiate(days, { subscribe: false }));
  void store.dispatch(insightsApi.endpoints.getTimeline.initiate({ ...days, interval }, { subscribe: false }));
  return null;
}
