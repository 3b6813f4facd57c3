import { Area, AreaChart, Bar, BarChart, Brush, CartesianGrid, Line, LineChart, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { useRef, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { useTranslation } from '../i18n/i18n';
import { formatAmount, formatCount, formatShortDay } from '../lib/format';
import { barOf, dotOf, type Mark } from './ChartMarks';
import { Scrollable } from './Scrollable';

export type Row = Record<string, string | number>;
export interface Series {
  key: string;
  name: string;
  money?: boolean;
}

const colours = ['var(--chart-1)', 'var(--chart-2)', 'var(--chart-3)', 'var(--chart-4)', 'var(--text)'];
/** Lines differ in more than colour. */
const dashes = ['', '6 3', '2 3', '8 3 2 3', '1 4'];
const isDay = /^\d{4}-\d\d-\d\d$/;
const height = 240;
const axis = { stroke: 'var(--muted)', fontSize: 11, tickLine: false, axisLine: false } as const;

interface ChartProps {
  title: string;
  rows: Row[];
  lines: Series[];
  currency?: string | undefined;
  kind: 'line' | 'area' | 'bar';
  zoomable?: boolean;
  /** How a point is called; days are shown short unless it says otherwise. */
  label?: (value: string) => string;
  /** Where the rows behind a figure are, by its point and the key of its line, if anywhere (MET-24). */
  to?: (value: string, key: string) => string | undefined;
  /** Height of bars that stand beside their names. */
  horizontal?: boolean;
  /** What happened at points of the axis, by number. */
  marks?: { x: string; number: number }[];
  /** Beside the title. */
  aside?: ReactNode;
  foot?: ReactNode;
}

/** A chart with its numbers as a table for whoever does not see it (UI-15). */
export function Chart(props: ChartProps) {
  const { t, locale } = useTranslation();
  const label = props.label ?? ((value: string) => (isDay.test(value) ? formatShortDay(value, locale) : value));
  const show = (value: number, money: boolean | undefined) => (money ? formatAmount(value, props.currency ?? 'USD', locale) : formatCount(value, locale));
  const navigate = useNavigate();
  const figure = useRef<HTMLDivElement>(null);
  const isPlot = useRef(false);
  const linked = (row: Row, { key, money }: Series) => {
    const to = props.to?.(String(row.x), key);
    const text = show(Number(row[key] ?? 0), money);
    return to ? <Link to={to}>{text}</Link> : text;
  };
  // What is let go of in the plot may have been taken hold of at the zoom below it.
  const press = (event: PointerEvent) => (isPlot.current = !(event.target as Element).closest('.recharts-brush'));
  const follow = (point: { activeLabel?: string | undefined } | null) => {
    const first = props.lines[0]?.key;
    const to = point?.activeLabel !== undefined && first !== undefined && isPlot.current ? props.to?.(String(point.activeLabel), first) : undefined;
    if (to) void navigate(to);
  };
  const walk = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const all = [...(figure.current?.querySelectorAll<SVGAElement>('a.chart__mark') ?? [])];
    if (step === undefined || all.length === 0 || (event.target as Element).closest('.recharts-brush')) return;
    event.preventDefault();
    const now = all.indexOf(document.activeElement as SVGAElement);
    all[Math.max(0, Math.min(all.length - 1, now + step))]?.focus();
  };
  return (
    <figure className="card chart">
      <figcaption className="card__head">
        <h2>{props.title}</h2>
        <ul className="row chart__legend">
          {props.lines.length > 1 &&
            props.lines.map(({ key, name }, index) => (
              <li key={key} className="row small">
                <svg width="18" height="8" aria-hidden>
                  <line x1="0" y1="4" x2="18" y2="4" stroke={colours[index]} strokeWidth="3" strokeDasharray={dashes[index]} />
                </svg>
                <bdi>{name}</bdi>
              </li>
            ))}
        </ul>
        {props.aside}
      </figcaption>
      {/* What can be zoomed or followed has to be reachable; what cannot is told by the table. Its arrows walk from mark to mark. */}
      <div
        ref={figure}
        className={`card__body chart__body${props.to ? ' chart__body--linked' : ''}`}
        aria-hidden={props.zoomable || props.to ? undefined : true}
        {...(props.to && props.rows.length > 0 ? { tabIndex: 0, role: 'group', 'aria-label': t('chart.walk', { title: props.title }), onKeyDown: walk, onPointerDown: press } : {})}
      >
        {props.rows.length === 0 ? (
          <p className="chart__none">{t('chart.nothing')}</p>
        ) : (
          <ResponsiveContainer width="100%" height={height}>
            {plot(props, label, (value, money) => show(value, money), follow)}
          </ResponsiveContainer>
        )}
      </div>
      {props.foot}
      <details className="chart__table">
        <summary>{t('chart.asTable')}</summary>
        <Scrollable label={props.title}>
          <table className="simple-table">
            <caption className="visually-hidden">{props.title}</caption>
            <thead>
              <tr>
                <th scope="col">{t('chart.period')}</th>
                {props.lines.map(({ key, name }) => (
                  <th scope="col" className="end" key={key}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {props.rows.map((row) => (
                <tr key={String(row.x)}>
                  <th scope="row">{label(String(row.x))}</th>
                  {props.lines.map((line) => (
                    <td className="end num" key={line.key}>
                      {linked(row, line)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      </details>
    </figure>
  );
}

function plot(
  props: ChartProps,
  label: (value: string) => string,
  show: (value: number, money?: boolean) => string,
  follow: (point: { activeLabel?: string | undefined } | null) => void,
) {
  const { rows, lines } = props;
  const isMoney = lines.every((line) => line.money);
  const common = { data: rows, margin: { top: 6, right: 8, bottom: 0, left: 0 }, ...(props.to ? { onClick: follow } : {}) };
  /** The mark of a figure that leads to its rows. */
  const markOf =
    ({ key, name, money }: Series) =>
    (row: Row): Mark | undefined => {
      const to = Number(row[key] ?? 0) === 0 ? undefined : props.to?.(String(row.x), key);
      return to ? { to, name: `${label(String(row.x))}, ${name}: ${show(Number(row[key]), money)}` } : undefined;
    };
  const dotsOf = (line: Series, index: number) => (props.to ? dotOf(markOf(line), colours[index] ?? '') : false);
  const names = new Map(lines.map((line) => [line.key, line]));
  const shared = [
    <CartesianGrid key="grid" stroke="var(--chart-grid)" vertical={props.horizontal ?? false} horizontal={!props.horizontal} />,
    <Tooltip
      key="tip"
      isAnimationActive={false}
      cursor={{ fill: 'var(--surface-2)', stroke: 'var(--line-strong)' }}
      contentStyle={{ background: 'var(--surface)', border: '1px solid var(--line)', borderRadius: 8, color: 'var(--text)', fontSize: 12 }}
      labelFormatter={(value) => label(String(value))}
      formatter={(value, key) => [show(Number(value), names.get(String(key))?.money), names.get(String(key))?.name ?? key]}
    />,
  ];
  const ticks = (value: number) => (isMoney ? show(value, true) : show(value));
  if (props.horizontal) {
    return (
      <BarChart {...common} layout="vertical">
        {shared}
        <XAxis type="number" {...axis} tickFormatter={ticks} allowDecimals={false} />
        <YAxis type="category" dataKey="x" {...axis} width={116} tickFormatter={label} />
        {lines.map((line, index) => (
          <Bar key={line.key} dataKey={line.key} fill={colours[index] ?? ''} radius={[0, 4, 4, 0]} maxBarSize={26} shape={barOf(markOf(line))} isAnimationActive={false} />
        ))}
      </BarChart>
    );
  }

  const axes = [
    <XAxis key="x" dataKey="x" {...axis} tickFormatter={label} minTickGap={28} />,
    <YAxis key="y" {...axis} width={56} tickFormatter={ticks} allowDecimals={false} />,
  ];
  const marks = (props.marks ?? []).map(({ x, number }) => (
    <ReferenceLine key={`mark${number}`} x={x} stroke="var(--line-strong)" strokeDasharray="3 3" label={{ value: number, position: 'insideTop', fill: 'var(--text)', fontSize: 11 }} />
  ));
  const zoom = props.zoomable && rows.length > 7 && <Brush dataKey="x" height={22} stroke="var(--line-strong)" fill="var(--surface-2)" tickFormatter={label} travellerWidth={9} />;
  if (props.kind === 'bar') {
    return (
      <BarChart {...common}>
        {shared}
        {axes}
        {lines.map((line, index) => (
          <Bar key={line.key} dataKey={line.key} fill={colours[index] ?? ''} radius={[3, 3, 0, 0]} maxBarSize={28} shape={barOf(markOf(line))} isAnimationActive={false} />
        ))}
      </BarChart>
    );
  }

  if (props.kind === 'area') {
    return (
      <AreaChart {...common}>
        {shared}
        {axes}
        {lines.map((line, index) => (
          <Area
            key={line.key}
            dataKey={line.key}
            type="monotone"
            stroke={colours[index] ?? ''}
            strokeWidth={2}
            strokeDasharray={dashes[index] ?? ''}
            fill={colours[index] ?? ''}
            fillOpacity={0.12}
            dot={dotsOf(line, index)}
            isAnimationActive={false}
          />
        ))}
        {marks}
        {zoom}
      </AreaChart>
    );
  }

  return (
    <LineChart {...common}>
      {shared}
      {axes}
      {lines.map((line, index) => (
        <Line
          key={line.key}
          dataKey={line.key}
          type="monotone"
          stroke={colours[index] ?? ''}
          strokeWidth={2}
          strokeDasharray={dashes[index] ?? ''}
          dot={dotsOf(line, index)}
          isAnimationActive={false}
        />
      ))}
      {zoom}
    </LineChart>
  );
}
