import { useTranslation } from '../i18n/i18n';
import { intervals, periods, readPeriod } from '../lib/period';
import { useAddress } from '../lib/useAddress';

/** Period, and length of points, in the address. */
export function PeriodBar({ withInterval = false }: { withInterval?: boolean }) {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const { period, interval } = readPeriod(params);
  const set = (name: string, value: string) =>
    setParams((present) => {
      const next = new URLSearchParams(present);
      next.set(name, value);
      if (name === 'period') next.delete('interval');
      return next;
    });
  return (
    <div className="row">
      <div className="choice" role="radiogroup" aria-label={t('insights.period')}>
        {periods.map((one) => (
          <label key={one}>
            <input type="radio" name="period" checked={period === one} onChange={() => set('period', one)} />
            <span>{t(`insights.period.${one}`)}</span>
          </label>
        ))}
      </div>
      {withInterval && (
        <div className="choice" role="radiogroup" aria-label={t('insights.interval')}>
          {intervals.map((one) => (
            <label key={one}>
              <input type="radio" name="interval" checked={interval === one} onChange={() => set('interval', one)} />
              <span>{t(`insights.interval.${one}`)}</span>
            </label>
          ))}
        </div>
      )}
    </div>
  );
}
