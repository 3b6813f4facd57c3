import { store } from '../../shared/api/store';
import { defaultSort, listArgument, listName, readFilters } from './couponQuery';
import { couponsApi } from './couponsApi';

/** Asks for the first rows of the list as its address wants them, while the page itself is still being fetched. */
export function loadCoupons(address: string): null {
  const params = new URL(address).searchParams;
  const sort = params.get('sort') ?? store.getState().prefs.sorts[listName] ?? defaultSort;
  void store.dispatch(couponsApi.endpoints.listCoupons.initiate(listArgument(readFilters(params), sort), { subscribe: false }));
  return null;
}
