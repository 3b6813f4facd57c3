import { addMonths, format, isValid, parseISO } from 'date-fns';
import { ChevronLeft, ChevronRight, Info } from 'lucide-react';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMonth } from '../../shared/lib/format';
import { useAddress } from '../../shared/lib/useAddress';
import { Button } from '../../shared/ui/Button';
import { ErrorState, Note, Skeletons } from '../../shared/ui/States';
import { CampaignTabs } from './CampaignTabs';
import { isoDay, spanOf, views, type View } from './calendar';
import { campaignsApi } from './campaignsApi';
import { MonthView } from './MonthView';
import { QuarterView } from './QuarterView';

const mostShown = 100;

/** When campaigns run and where they overlap; the view and the day are in the address. */
export function CalendarPage() {
  const { t, locale } = useTranslation();
  const [params, setParams] = useAddress();
  const view: View = params.get('view') === 'quarter' ? 'quarter' : 'month';
  const asked = parseISO(params.get('day') ?? '');
  const day = isValid(asked) ? asked : new Date();
  const { from, to } = spanOf(view, day);
  const { data, error, refetch } = campaignsApi.endpoints.listCampaigns.useQuery({ from: isoDay(from), to: isoDay(to), sort: 'start_date', limit: mostShown });
  const show = (next: { view?: View; day?: Date }) =>
    setParams((present) => {
      const changed = new URLSearchParams(present);
      if (next.view) changed.set('view', next.view);
      if (next.day) changed.set('day', isoDay(next.day));
      return changed;
    });
  const step = view === 'quarter' ? 3 : 1;
  const title = view === 'quarter' ? t('calendar.quarterOf', { quarter: format(day, 'q'), year: format(day, 'yyyy') }) : formatMonth(day, locale);
  return (
    <div className="page">
      <header className="page__head">
        <h1>{t('nav.campaigns')}</h1>
        <div className="choice" role="radiogroup" aria-label={t('calendar.view')}>
          {views.map((one) => (
            <label key={one}>
              <input type="radio" name="view" checked={view === one} onChange={() => show({ view: one })} />
              <span>{t(`calendar.${one}`)}</span>
            </label>
          ))}
        </div>
      </header>
      <CampaignTabs />
      <section className="card" aria-labelledby="calendar-title">
        <div className="card__head">
          <h2 id="calendar-title" aria-live="polite">
            {title}
          </h2>
          <div className="row">
            <Button icon={ChevronLeft} label={t('calendar.earlier')} onClick={() => show({ day: addMonths(day, -step) })} />
            <Button onClick={() => show({ day: new Date() })}>{t('calendar.today')}</Button>
            <Button icon={ChevronRight} label={t('calendar.later')} onClick={() => show({ day: addMonths(day, step) })} />
          </div>
        </div>
        {error ? (
          <ErrorState error={error} onRetry={refetch} />
        ) : !data ? (
          <div className="card__body">
            <Skeletons lines={8} />
          </div>
        ) : view === 'month' ? (
          <MonthView runs={data.data} day={day} onDay={(next) => show({ day: next })} />
        ) : (
          <QuarterView runs={data.data} day={day} />
        )}
      </section>
      {data?.has_more && <Note icon={Info}>{t('calendar.cut')}</Note>}
    </div>
  );
}
