import { lazy, Suspense, type ComponentProps } from 'react';
import type { Chart as Drawn } from './Charts';

const load = () => import('./Charts');
const Loaded = lazy(() => load().then((module) => ({ default: module.Chart })));

/** Fetches what draws charts, without waiting for it: called while the figures are still under way. */
export const loadCharts = () => void load();

/** A chart whose library comes after the page: until then its card stands in its place, as high as it will be. */
export function Chart(props: ComponentProps<typeof Drawn>) {
  return (
    <Suspense fallback={<ChartToCome title={props.title} />}>
      <Loaded {...props} />
    </Suspense>
  );
}

/** The place of a chart whose figures or library are still under way. */
export function ChartToCome({ title }: { title: string }) {
  return (
    <figure className="card chart chart--waiting">
      <figcaption className="card__head">
        <h2>{title}</h2>
      </figcaption>
      <div className="card__body chart__body">
        <span className="skeleton" />
      </div>
      <div className="chart__table" />
    </figure>
  );
}
