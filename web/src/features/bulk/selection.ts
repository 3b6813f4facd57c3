import type { BulkSelectionShape } from '../../shared/api/client.generated';
import type { Filters } from '../coupons/couponQuery';

/** What a bulk change or an export is about: coupons one by one, or all that match a filter. */
export type Selection = { ids: number[] } | { filter: Filters };

/** As the API takes it. The description names two of the list's parameters; it takes all of them. */
export const shapeOf = (selection: Selection): BulkSelectionShape =>
  'ids' in selection ? { ids: selection.ids } : { filter: selection.filter as NonNullable<BulkSelectionShape['filter']> };

export const bulkActions = ['activate', 'deactivate', 'edit', 'delete'] as const;
export type BulkAction = (typeof bulkActions)[number];
