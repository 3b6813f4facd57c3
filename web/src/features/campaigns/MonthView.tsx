import { addDays, addMonths, endOfWeek, isSameDay, isSameMonth, isToday, parseISO, startOfWeek } from 'date-fns';
import { useLayoutEffect, useRef, type KeyboardEvent } from 'react';
import { Link } from 'react-router';
import type { Campaign } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatDay } from '../../shared/lib/format';
import { BudgetMeter } from './BudgetMeter';
import { CampaignBadge } from './CampaignBadge';
import { RunDays } from './RunDays';
import { isoDay, piecesOf, runsOn, spanOf } from './calendar';

const mostLanes = 4;

/** A month as weeks of days with bars across them. The arrow keys choose a day; below stands what runs on it. */
export function MonthView({ runs, day, onDay }: { runs: Campaign[]; day: Date; onDay: (day: Date) => void }) {
  const { t, locale } = useTranslation();
  const grid = useRef<HTMLTableElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const { from: first, to } = spanOf('month', day);
  const weeks: Date[] = [];
  for (let monday = first; monday <= to; monday = addDays(monday, 7)) weeks.push(monday);
  const shown = isoDay(day);
  // Keys may come faster than the page is drawn: each starts where the one before it led.
  const reached = useRef(shown);
  // With the page, not after it: a key that is pressed between would find no day.
  useLayoutEffect(() => {
    reached.current = shown;
    if (moved.current) grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    moved.current = false;
  }, [shown]);
  const go = (next: Date) => {
    moved.current = true;
    reached.current = isoDay(next);
    onDay(next);
  };
  const press = (event: KeyboardEvent) => {
    const from = parseISO(reached.current);
    const week = { weekStartsOn: 1 } as const;
    const next: Record<string, () => Date> = {
      ArrowLeft: () => addDays(from, -1),
      ArrowRight: () => addDays(from, 1),
      ArrowUp: () => addDays(from, -7),
      ArrowDown: () => addDays(from, 7),
      PageUp: () => addMonths(from, -1),
      PageDown: () => addMonths(from, 1),
      Home: () => startOfWeek(from, week),
      End: () => endOfWeek(from, week),
    };
    const wanted = next[event.key];
    if (wanted) {
      event.preventDefault();
      go(wanted());
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      (list.current?.querySelector('a') ?? list.current)?.focus();
    }
  };
  const today = runs.filter((run) => runsOn(run, day));
  return (
    <>
      <p className="visually-hidden" id="calendar-keys">
        {t('calendar.keys')}
      </p>
      <table ref={grid} className="calendar" role="grid" aria-labelledby="calendar-title" aria-describedby="calendar-keys">
        <thead>
          <tr>
            {t('chart.weekdayNames')
              .split(' ')
              .map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((monday) => {
            const pieces = piecesOf(runs, monday);
            const lanes = Math.min(mostLanes, 1 + Math.max(-1, ...pieces.map(({ lane }) => lane)));
            return (
              <tr key={isoDay(monday)}>
                {Array.from({ length: 7 }, (_, place) => {
                  const cell = addDays(monday, place);
                  const count = runs.filter((run) => runsOn(run, cell)).length;
                  const hidden = pieces.filter((piece) => piece.lane >= mostLanes && piece.from <= place && place < piece.from + piece.days).length;
                  return (
                    // The grid moves the focus: one day is in the order of tabs, the arrow keys reach the others.
                    <td
                      key={place}
                      role="gridcell"
                      tabIndex={isSameDay(cell, day) ? 0 : -1}
                      aria-selected={isSameDay(cell, day)}
                      className={`calendar__day${isSameMonth(cell, day) ? '' : ' calendar__day--other'}${isToday(cell) ? ' calendar__day--today' : ''}`}
                      style={{ ['--lanes' as string]: lanes + (hidden ? 1 : 0) }}
                      onClick={() => go(cell)}
                      onKeyDown={press}
                    >
                      <span className="calendar__number num" aria-hidden>
                        {cell.getDate()}
                      </span>
                      <span className="visually-hidden">{t('calendar.day', { count, day: formatDay(isoDay(cell), locale) })}</span>
                      {pieces
                        .filter((piece) => piece.from === place && piece.lane < mostLanes)
                        .map(({ run, lane, days, begins, ends }) => (
                          <Link
                            key={run.id}
                            tabIndex={-1}
                            className={`calendar__bar calendar__bar--${run.status}${begins ? ' calendar__bar--begins' : ''}${ends ? ' calendar__bar--ends' : ''}`}
                            style={{ ['--lane' as string]: lane, ['--days' as string]: days }}
                            to={`/campaigns/${encodeURIComponent(run.id)}`}
                            title={run.name}
                            onClick={(event) => event.stopPropagation()}
                          >
                            <bdi className="truncate">{run.name}</bdi>
                          </Link>
                        ))}
                      {hidden > 0 && <span className="calendar__more small">{t('calendar.more', { count: hidden })}</span>}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className="card__body stack stack--tight" ref={list} tabIndex={-1} role="region" aria-labelledby="calendar-on">
        <h3 id="calendar-on" aria-live="polite">
          {t('calendar.on', { day: formatDay(isoDay(day), locale) })}
        </h3>
        {today.length === 0 ? (
          <p className="muted">{t('calendar.nothing')}</p>
        ) : (
          <ul className="campaign-list">
            {today.map((run) => (
              <li key={run.id}>
                <div className="list-card calendar__entry">
                  <span className="row">
                    <Link className="campaign-row__name anywhere" to={`/campaigns/${encodeURIComponent(run.id)}`}>
                      <bdi>{run.name}</bdi>
                    </Link>
                    <CampaignBadge status={run.status} />
                  </span>
                  <span className="small muted">
                    <RunDays run={run} />
                  </span>
                  <BudgetMeter campaign={run} />
                </div>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}
