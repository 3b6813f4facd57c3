import { format, parseISO } from 'date-fns';
import { Area, AreaChart, Bar, BarChart, Brush, CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import type { ReactNode } from 'react';
import { useTranslation } from '../i18n/i18n';
import { formatAmount, formatCount } from '../lib/format';

export type Row = Record<string, string | number>;
export interface Series {
  key: string;
  name: string;
  money?: boolean;
}

const colours = ['var(--chart-1)', 'var(--chart-2)', 'var(--chart-3)', 'var(--chart-4)', 'var(--text)'];
/** Lines differ in more than colour. */
const dashes = ['', '6 3', '2 3', '8 3 2 3', '1 4'];
const height = 240;
const axis = { stroke: 'var(--muted)', fontSize: 11, tickLine: false, axisLine: false } as const;

interface ChartProps {
  title: string;
  rows: Row[];
  lines: Series[];
  currency?: string | undefined;
  kind: 'line' | 'area' | 'bar';
  zoomable?: boolean;
  label?: (value: string) => string;
  /** Height of bars that stand beside their names. */
  horizontal?: boolean;
  foot?: ReactNode;
}

/** A chart with its numbers as a table for whoever does not see it (UI-15). */
export function Chart(props: ChartProps) {
  const { t, locale } = useTranslation();
  const label = props.label ?? ((value: string) => value);
  const show = (value: number, money: boolean | undefined) => (money ? formatAmount(value, props.currency ?? 'USD', locale) : formatCount(value, locale));
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
      </figcaption>
      {/* What can be zoomed has to be reachable; what cannot is told by the table. */}
      <div className="card__body chart__body" aria-hidden={props.zoomable ? undefined : true}>
        {props.rows.length === 0 ? (
          <p className="chart__none">{t('chart.nothing')}</p>
        ) : (
          <ResponsiveContainer width="100%" height={height}>
            {plot(props, label, (value, money) => show(value, money))}
          </ResponsiveContainer>
        )}
      </div>
      {props.foot}
      <details className="chart__table">
        <summary>{t('chart.asTable')}</summary>
        {/* Scrollable, so reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div className="scroll-x" tabIndex={0} role="group" aria-label={props.title}>
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
                  {props.lines.map(({ key, money }) => (
                    <td className="end num" key={key}>
                      {show(Number(row[key] ?? 0), money)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function plot(props: ChartProps, label: (value: string) => string, show: (value: number, money?: boolean) => string) {
  const { rows, lines } = props;
  const isMoney = lines.every((line) => line.money);
  const common = { data: rows, margin: { top: 6, right: 8, bottom: 0, left: 0 } };
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
        {lines.map(({ key }, index) => (
          <Bar key={key} dataKey={key} fill={colours[index] ?? ''} radius={[0, 4, 4, 0]} maxBarSize={26} isAnimationActive={false} />
        ))}
      </BarChart>
    );
  }

  const axes = [
    <XAxis key="x" dataKey="x" {...axis} tickFormatter={label} minTickGap={28} />,
    <YAxis key="y" {...axis} width={56} tickFormatter={ticks} allowDecimals={false} />,
  ];
  const zoom = props.zoomable && rows.length > 7 && <Brush dataKey="x" height={22} stroke="var(--line-strong)" fill="var(--surface-2)" tickFormatter={label} travellerWidth={9} />;
  if (props.kind === 'bar') {
    return (
      <BarChart {...common}>
        {shared}
        {axes}
        {lines.map(({ key }, index) => (
          <Bar key={key} dataKey={key} fill={colours[index] ?? ''} radius={[3, 3, 0, 0]} maxBarSize={28} isAnimationActive={false} />
        ))}
      </BarChart>
    );
  }

  if (props.kind === 'area') {
    return (
      <AreaChart {...common}>
        {shared}
        {axes}
        {lines.map(({ key }, index) => (
          <Area key={key} dataKey={key} type="monotone" stroke={colours[index] ?? ''} strokeWidth={2} strokeDasharray={dashes[index] ?? ''} fill={colours[index] ?? ''} fillOpacity={0.12} isAnimationActive={false} />
        ))}
        {zoom}
      </AreaChart>
    );
  }

  return (
    <LineChart {...common}>
      {shared}
      {axes}
      {lines.map(({ key }, index) => (
        <Line key={key} dataKey={key} type="monotone" stroke={colours[index] ?? ''} strokeWidth={2} strokeDasharray={dashes[index] ?? ''} dot={false} isAnimationActive={false} />
      ))}
      {zoom}
    </LineChart>
  );
}

/** A day of the axis, short. */
export const dayLabel = (iso: string) => format(parseISO(iso), 'd.M.');
