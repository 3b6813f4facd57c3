import type { MouseEvent, ReactElement, ReactNode } from 'react';
import { Link } from 'react-router';
import { Rectangle } from 'recharts';

/** Where a figure leads, and how it is read out. */
export interface Mark {
  to: string;
  name: string;
}

type Row = Record<string, string | number>;
type MarkOf = (row: Row) => Mark | undefined;

interface BarPlace {
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  fill?: string;
  radius?: number | [number, number, number, number];
  payload?: Row;
}

interface DotPlace {
  key?: string;
  cx?: number;
  cy?: number;
  payload?: Row;
}

/** Reached by the arrows of its chart, not by Tab: a year has hundreds of them. */
function MarkLink({ mark, children }: { mark: Mark; children: ReactNode }) {
  // The plot around it has a click of its own.
  const keep = (event: MouseEvent) => event.stopPropagation();
  return (
    <Link className="chart__mark" to={mark.to} aria-label={mark.name} tabIndex={-1} onClick={keep}>
      {children}
    </Link>
  );
}

/** A bar that leads to its rows. */
export const barOf =
  (markOf: MarkOf) =>
  ({ x, y, width, height, fill, radius, payload }: BarPlace): ReactElement => {
    const bar = (
      <Rectangle
        {...{ x, y, width, height, fill, radius } as { x: number; y: number; width: number; height: number; fill: string }}
      />
    );
    const mark = payload && markOf(payload);
    return mark ? <MarkLink mark={mark}>{bar}</MarkLink> : bar;
  };

const reach = 9;
const size = 4;

/** A point of a line that leads to its rows; seen where it is pointed at or focused. */
export const dotOf =
  (markOf: MarkOf, colour: string) =>
  ({ key, cx, cy, payload }: DotPlace): ReactElement => {
    const mark = payload && markOf(payload);
    if (!mark || cx === undefined || cy === undefined) return <g key={key} />;
    return (
      <MarkLink key={key} mark={mark}>
        <circle cx={cx} cy={cy} r={reach} fill="transparent" />
        <circle className="chart__dot" cx={cx} cy={cy} r={size} fill={colour} />
      </MarkLink>
    );
  };
