import type { ReactNode } from 'react';
import type { Pages } from '../api/usePages';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { ErrorState, Skeletons } from './States';

/** Asks for the next page of a list, while there is one. */
export function LoadMore({ pages, className }: { pages: Pages<unknown>; className?: string }) {
  const { t } = useTranslation();
  if (!pages.hasMore) return null;
  return (
    <div className={className}>
      <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
        {t('action.loadMore')}
      </Button>
    </div>
  );
}

/** The rows of a list, or what stands in their place: nothing yet, nothing at all, or why not. */
export function Paged(props: { pages: Pages<unknown>; lines: number; empty: ReactNode; children: ReactNode }) {
  const { pages } = props;
  if (pages.isLoading) return <Skeletons lines={props.lines} />;
  if (pages.error) return <ErrorState error={pages.error} onRetry={pages.refetch} />;
  if (pages.rows.length === 0) return <>{props.empty}</>;
  return (
    <>
      {props.children}
      <LoadMore pages={pages} />
    </>
  );
}

/** Which of its statuses a list is to show; all of them at first. */
export function StatusSelect<S extends string>(props: {
  label: string;
  /** How all of them are called, where they are no statuses. */
  any?: string;
  statuses: readonly S[];
  family: string;
  value: S | undefined;
  onChange: (status: S | undefined) => void;
}) {
  const { t, word } = useTranslation();
  return (
    <select className="input filters__select" aria-label={props.label} value={props.value ?? ''} onChange={(event) => props.onChange(props.statuses.find((one) => one === event.target.value))}>
      <option value="">{props.any ?? t('operations.anyStatus')}</option>
      {props.statuses.map((one) => (
        <option key={one} value={one}>
          {word(props.family, one)}
        </option>
      ))}
    </select>
  );
}
