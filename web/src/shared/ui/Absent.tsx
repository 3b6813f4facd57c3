import { SearchX } from 'lucide-react';
import { problemOf, type QueryFailure } from '../api/problem';
import { Dialog } from './Dialog';
import { EmptyState, ErrorState, Skeletons } from './States';

/** The drawer of something that is not there: under way, gone, or not to be had. */
export function Absent(props: { title: string; gone: string; text?: string; isGone?: boolean; error: QueryFailure | undefined; onRetry: () => unknown; onClose: () => void }) {
  return (
    <Dialog look="drawer" title={props.title} onClose={props.onClose}>
      {props.isGone || problemOf(props.error)?.status === 404 ? (
        <EmptyState icon={SearchX} title={props.gone} text={props.text} />
      ) : props.error ? (
        <ErrorState error={props.error} onRetry={props.onRetry} />
      ) : (
        <Skeletons lines={10} />
      )}
    </Dialog>
  );
}
