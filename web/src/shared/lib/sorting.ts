/** One field of a sort, as lists of the API take it: `created_desc,code_asc`. */
export interface SortField {
  field: string;
  direction: 'asc' | 'desc';
}

const mostFields = 5;

export function parseSort(sort: string | null | undefined): SortField[] {
  return (sort ?? '').split(',').flatMap((part) => {
    const match = /^(.+)_(asc|desc)$/.exec(part.trim());
    return match?.[1] ? [{ field: match[1], direction: match[2] as 'asc' | 'desc' }] : [];
  });
}

export const writeSort = (fields: SortField[]) => fields.map(({ field, direction }) => `${field}_${direction}`).join(',');

/**
 * What a click on a column does: ascending, descending, unsorted.
 * @param add keeps the other fields (Shift)
 */
export function toggleSort(sort: string | undefined, field: string, add: boolean): string {
  const fields = parseSort(sort);
  const present = fields.find((one) => one.field === field);
  const next: SortField | undefined = !present
    ? { field, direction: 'asc' }
    : present.direction === 'asc'
      ? { field, direction: 'desc' }
      : undefined;
  if (!add) return next ? writeSort([next]) : '';
  const others = present
    ? fields.flatMap((one) => (one.field !== field ? [one] : next ? [next] : []))
    : [...fields, ...(next ? [next] : [])];
  return writeSort(others.slice(0, mostFields));
}
