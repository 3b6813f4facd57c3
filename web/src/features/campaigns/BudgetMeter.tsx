import type { Campaign } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor, formatShare } from '../../shared/lib/format';
import { Drill } from '../../shared/ui/Drill';

/** What of a budget is spent or held (CMP-09); it leads to its rows where it is not part of a link itself. */
export function BudgetMeter({ campaign, to }: { campaign: Campaign; to?: string | false | null }) {
  const { t, locale } = useTranslation();
  const { budget, budget_spent: spent } = campaign;
  if (budget && spent === undefined) return <span className="num small">{formatMinor(budget, locale)}</span>;
  if (!budget || !spent) return <span className="muted">{t('campaign.noBudget')}</span>;
  const share = budget.amount ? Math.min(1, spent.amount / budget.amount) : 1;
  return (
    <span className="cell--stack grow">
      <span className="num small">
        <Drill to={to}>{t('campaign.spentOf', { spent: formatMinor(spent, locale), budget: formatMinor(budget, locale) })}</Drill> <span className="muted">({formatShare(share, locale)})</span>
      </span>
      <span className="meter" aria-hidden>
        <span className={`meter__fill${share >= 0.9 ? ' meter__fill--full' : ''}`} style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
