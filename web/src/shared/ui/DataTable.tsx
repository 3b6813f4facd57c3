import { flexRender, getCoreRowModel, useReactTable, type ColumnDef, type Row, type RowData } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react';
import { useEffect, useRef, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';
import { useTranslation } from '../i18n/i18n';
import { parseSort, toggleSort, type SortField } from '../lib/sorting';
import type { Pages } from '../api/usePages';
import { messageOf } from '../api/problem';
import { Button } from './Button';
import { ErrorState, Skeletons } from './States';

declare module '@tanstack/react-table' {
  // The names of the parameters have to be those of the library.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface ColumnMeta<TData extends RowData, TValue> {
    /** A track of the grid: '120px', 'minmax(120px, 2fr)'. */
    width: string;
    end?: boolean;
  }
}

interface DataTableProps<R> {
  label: string;
  columns: ColumnDef<R>[];
  pages: Pages<R>;
  idOf: (row: R) => string;
  nameOf: (row: R) => string;
  rowHeight?: number;
  sort?: string;
  onSort?: (sort: string) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (ids: ReadonlySet<string>) => void;
  openId?: string | undefined;
  onOpen?: (row: R) => void;
  empty: ReactNode;
  foot?: ReactNode;
}

const selectionWidth = '42px';
/** Rows before the end at which the next page is asked for. */
const lead = 12;

/** A grid of virtual rows: a million rows cost as much as those that are seen. */
export function DataTable<R>(props: DataTableProps<R>) {
  const { t } = useTranslation();
  const { pages, rowHeight = 46, selected, onSelect } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const table = useReactTable({ data: pages.rows, columns: props.columns, getCoreRowModel: getCoreRowModel(), getRowId: props.idOf });
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 4,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  const lastSeen = items[items.length - 1]?.index ?? 0;
  const { loadMore, hasMore, isLoadingMore } = pages;
  useEffect(() => {
    if (hasMore && !isLoadingMore && lastSeen >= rows.length - lead) loadMore();
  }, [lastSeen, rows.length, hasMore, isLoadingMore, loadMore]);

  const tracks = [onSelect && selectionWidth, ...table.getAllLeafColumns().map((column) => column.columnDef.meta?.width ?? '1fr')];
  const template = { gridTemplateColumns: tracks.filter(Boolean).join(' ') };
  const sorted = parseSort(props.sort);
  const isEmpty = !pages.isLoading && rows.length === 0;
  const allSelected = rows.length > 0 && rows.every((row) => selected?.has(row.id));
  const select = (ids: string[], on: boolean) => {
    const chosen = new Set(selected);
    for (const id of ids) if (on) chosen.add(id); else chosen.delete(id);
    onSelect?.(chosen);
  };
  const move = (event: KeyboardEvent, index: number) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.target !== event.currentTarget) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(rows.length - 1, index + step));
    virtual.scrollToIndex(next);
    requestAnimationFrame(() => scroll.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
  };

  return (
    <div className="table-frame">
      <div className="table-frame__scroll" ref={scroll} role="region" aria-label={props.label} tabIndex={-1}>
        <div className="grid-table" role="table" aria-label={props.label} aria-busy={pages.isLoading} aria-rowcount={hasMore ? -1 : rows.length + 1}>
          <div className="grid-table__head" role="rowgroup">
            <div className="grid-table__row" role="row" style={template} aria-rowindex={1}>
              {onSelect && (
                <div className="cell" role="columnheader">
                  <input
                    type="checkbox"
                    aria-label={t('table.selectAll')}
                    checked={allSelected}
                    disabled={rows.length === 0}
                    onChange={(event) => select(rows.map((row) => row.id), event.target.checked)}
                  />
                </div>
              )}
              {table.getFlatHeaders().map((header) => (
                <HeaderCell
                  key={header.id}
                  id={header.column.id}
                  end={header.column.columnDef.meta?.end ?? false}
                  sortable={header.column.columnDef.enableSorting !== false && props.onSort !== undefined}
                  sorted={sorted}
                  onSort={(add) => props.onSort?.(toggleSort(props.sort, header.column.id, add))}
                >
                  {flexRender(header.column.columnDef.header, header.getContext())}
                </HeaderCell>
              ))}
            </div>
          </div>
          <div className="grid-table__body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = rows[item.index];
              return (
                row && (
                  <BodyRow
                    key={item.key}
                    row={row}
                    index={item.index}
                    style={{ ...template, height: rowHeight, transform: `translateY(${item.start}px)` }}
                    name={props.nameOf(row.original)}
                    isOpen={props.openId === row.id}
                    isSelected={selected?.has(row.id) ?? false}
                    onSelect={onSelect ? (on) => select([row.id], on) : undefined}
                    onOpen={props.onOpen}
                    onKeyDown={(event) => move(event, item.index)}
                  />
                )
              );
            })}
          </div>
        </div>
        {pages.isLoading && (
          <div className="card__body">
            <Skeletons lines={8} />
          </div>
        )}
        {pages.error && rows.length === 0 && <ErrorState error={pages.error} onRetry={pages.refetch} />}
        {isEmpty && !pages.error && props.empty}
      </div>
      <div className="table-frame__foot">
        {pages.error && rows.length > 0 && (
          <span className="row text-danger" role="alert">
            {messageOf(pages.error, t)}
            <Button look="link" onClick={pages.refetch}>
              {t('action.retry')}
            </Button>
          </span>
        )}
        <span role="status">
          {isLoadingMore ? t('table.loadingMore') : t(hasMore ? 'table.loaded' : 'table.all', { count: rows.length })}
        </span>
        {props.foot}
      </div>
    </div>
  );
}

function HeaderCell(props: { id: string; end: boolean; sortable: boolean; sorted: SortField[]; onSort: (add: boolean) => void; children: ReactNode }) {
  const { t } = useTranslation();
  const place = props.sorted.findIndex(({ field }) => field === props.id);
  const direction = props.sorted[place]?.direction;
  const Icon = direction === 'asc' ? ArrowUp : direction === 'desc' ? ArrowDown : ChevronsUpDown;
  return (
    <div
      className={`cell${props.end ? ' cell--end' : ''}`}
      role="columnheader"
      aria-sort={props.sortable ? (direction === 'asc' ? 'ascending' : direction === 'desc' ? 'descending' : 'none') : undefined}
    >
      {props.sortable ? (
        <button
          type="button"
          className="sort-button"
          data-sorted={direction}
          title={t('table.multiSort')}
          onClick={(event: MouseEvent) => props.onSort(event.shiftKey)}
        >
          {props.children}
          <Icon className="icon" aria-hidden />
          {direction && props.sorted.length > 1 && <span aria-hidden>{place + 1}</span>}
        </button>
      ) : (
        <span className="column-label">{props.children}</span>
      )}
    </div>
  );
}

function BodyRow<R>(props: {
  row: Row<R>;
  index: number;
  style: object;
  name: string;
  isOpen: boolean;
  isSelected: boolean;
  onSelect: ((on: boolean) => void) | undefined;
  onOpen: ((row: R) => void) | undefined;
  onKeyDown: (event: KeyboardEvent) => void;
}) {
  const { t } = useTranslation();
  const { row, onOpen } = props;
  const open = (event: MouseEvent | KeyboardEvent) => {
    // Menus and dialogs of the row hang elsewhere in the page, yet their events come by here.
    if (!event.currentTarget.contains(event.target as Node)) return;
    // Buttons and boxes in the row do their own work.
    if (!(event.target as Element).closest('button, a, input, label')) onOpen?.(row.original);
  };
  return (
    // The row is focusable as a whole: arrows walk, Enter opens; the cells stay readable one by one.
    <div
      className="grid-table__row"
      role="row"
      data-index={props.index}
      tabIndex={onOpen ? 0 : undefined}
      aria-rowindex={props.index + 2}
      data-selected={props.isSelected || props.isOpen || undefined}
      style={props.style}
      onClick={open}
      onKeyDown={(event) => {
        if (event.key === 'Enter') open(event);
        if (event.key === ' ' && event.target === event.currentTarget && props.onSelect) {
          event.preventDefault();
          props.onSelect(!props.isSelected);
        }

        props.onKeyDown(event);
      }}
    >
      {props.onSelect && (
        <div className="cell" role="cell">
          <input
            type="checkbox"
            tabIndex={-1}
            aria-label={t('table.select', { name: props.name })}
            checked={props.isSelected}
            onChange={(event) => props.onSelect?.(event.target.checked)}
          />
        </div>
      )}
      {row.getVisibleCells().map((cell) => (
        <div key={cell.id} role="cell" className={`cell${cell.column.columnDef.meta?.end ? ' cell--end' : ''}`}>
          {flexRender(cell.column.columnDef.cell, cell.getContext())}
        </div>
      ))}
    </div>
  );
}
