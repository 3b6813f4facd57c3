import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { Drill } from '../../shared/ui/Drill';
import { argumentOf, type Filters } from './filters';
import { redemptionsApi } from './redemptionsApi';

/** What the rows found add up to: the figure they were reached from (MET-24). */
export function Totals({ wanted }: { wanted: Filters }) {
  const { t, locale } = useTranslation();
  const { data } = redemptionsApi.endpoints.getRedemptionTotals.useQuery(argumentOf(wanted));
  if (!data) return <p className="small totals">&nbsp;</p>;
  return (
    <p className="small totals" role="status">
      <strong>{t('rows.count', { count: data.count })}</strong>
      {data.rolled_back > 0 && (
        <span className="muted">
          <Drill to={wanted.status !== 'rolled_back' && rows.redemptions({ ...wanted, status: 'rolled_back' })}>{t('figure.givenBack', { count: data.rolled_back })}</Drill>
        </span>
      )}
      {data.amounts.map(
        ({ currency, revenue, discounts }) =>
          revenue &&
          discounts && (
            <span key={currency} className="num">
              {t('rows.sums', { revenue: formatMinor(revenue, locale), discounts: formatMinor(discounts, locale) })}
            </span>
          ),
      )}
    </p>
  );
}
