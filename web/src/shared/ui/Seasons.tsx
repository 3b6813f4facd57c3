import { useState } from 'react';
import { useTranslation } from '../i18n/i18n';
import { rows } from '../lib/rows';
import { partOf, seasonOf, seasons, type Season } from '../lib/seasons';
import { Chart } from './Chart';

/**
 * Patterns by day of the week, month and longer spans (MET-04).
 * @param of whose redemptions these are, for those who may see them one by one.
 */
export function Seasons({ days, of }: { days: { period: string; redemptions: number }[]; of?: { from: string; to: string; coupon_id?: number } }) {
  const { t } = useTranslation();
  const [season, setSeason] = useState<Season>('weekday');
  const names = t(season === 'month' ? 'season.monthNames' : 'chart.weekdayNames').split(' ');
  const nameOf = (place: number) => (season === 'year' ? String(place) : season === 'quarter' ? `Q${place + 1}` : (names[place] ?? ''));
  const parts = seasonOf(days, season);
  const rowsOf = (name: string) => {
    const part = parts.find(({ place }) => nameOf(place) === name);
    return of && part && rows.redemptions({ ...of, ...partOf(season, part.place, of) });
  };
  return (
    <Chart
      kind="bar"
      title={t('season.title')}
      {...(of ? { to: rowsOf } : {})}
      rows={parts.map(({ place, average }) => ({ x: nameOf(place), average }))}
      lines={[{ key: 'average', name: t('season.average') }]}
      aside={
        <div className="choice" role="radiogroup" aria-label={t('season.by')}>
          {seasons.map((one) => (
            <label key={one}>
              <input type="radio" name="season" checked={season === one} onChange={() => setSeason(one)} />
              <span>{t(`season.${one}`)}</span>
            </label>
          ))}
        </div>
      }
      foot={<p className="card__body small muted">{t('season.average')}</p>}
    />
  );
}
