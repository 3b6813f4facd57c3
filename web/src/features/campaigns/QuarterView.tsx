import { addMonths, differenceInCalendarDays, isAfter, isBefore } from 'date-fns';
import { CalendarX } from 'lucide-react';
import { useRef, type KeyboardEvent } from 'react';
import { Link } from 'react-router';
import type { Campaign } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMonth } from '../../shared/lib/format';
import { EmptyState } from '../../shared/ui/States';
import { CampaignBadge } from './CampaignBadge';
import { daysOfRun, spanOf } from './calendar';
import { RunDays } from './RunDays';

/** Three months, a row a campaign. Up and down go from campaign to campaign. */
export function QuarterView({ runs, day }: { runs: Campaign[]; day: Date }) {
  const { t, locale } = useTranslation();
  const list = useRef<HTMLUListElement>(null);
  const { from, to } = spanOf('quarter', day);
  const length = differenceInCalendarDays(to, from) + 1;
  const share = (at: Date) => (100 * Math.min(length, Math.max(0, differenceInCalendarDays(at, from)))) / length;
  const months = [0, 1, 2].map((one) => addMonths(from, one));
  const now = new Date();
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const links = [...(list.current?.querySelectorAll('a') ?? [])];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    const next = links[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  if (runs.length === 0) return <EmptyState icon={CalendarX} title={t('calendar.nothing.quarter')} />;
  return (
    <div className="quarter">
      <div className="quarter__months small muted" aria-hidden>
        {months.map((month) => (
          <span key={month.getMonth()} style={{ left: `${share(month)}%` }}>
            {formatMonth(month, locale)}
          </span>
        ))}
      </div>
      {/* The keys come from the links within. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <ul ref={list} className="quarter__rows" onKeyDown={press}>
        {runs.map((run) => {
          const { first, last } = daysOfRun(run);
          const left = share(first);
          const right = last ? share(new Date(last.getTime() + 86_400_000)) : 100;
          return (
            <li key={run.id}>
              <Link className="quarter__row" to={`/campaigns/${encodeURIComponent(run.id)}`}>
                <span className="row quarter__name">
                  <strong className="truncate" title={run.name}>
                    <bdi>{run.name}</bdi>
                  </strong>
                  <CampaignBadge status={run.status} />
                </span>
                <span className="quarter__track">
                  {months.slice(1).map((month) => (
                    <span key={month.getMonth()} className="quarter__line" style={{ left: `${share(month)}%` }} aria-hidden />
                  ))}
                  <span
                    className={`calendar__bar calendar__bar--${run.status}${isBefore(first, from) ? '' : ' calendar__bar--begins'}${!last || isAfter(last, to) ? '' : ' calendar__bar--ends'}`}
                    style={{ left: `${left}%`, width: `${Math.max(1, right - left)}%` }}
                    aria-hidden
                  />
                  {now >= from && now <= to && <span className="quarter__now" style={{ left: `${share(now)}%` }} aria-hidden />}
                </span>
                <span className="small muted quarter__dates">
                  <RunDays run={run} />
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
