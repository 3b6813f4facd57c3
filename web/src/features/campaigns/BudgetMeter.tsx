import type { Campaign } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor, formatShare } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { Drill } from '../../shared/ui/Drill';

/** What of a budget is spent, and what is held for a checkout (CMP-09): each leads to its rows (MET-24). */
export function BudgetMeter({ campaign }: { campaign: Campaign }) {
  const { t, locale } = useTranslation();
  const can = useCan();
  const { id, budget, budget_spent: spent, budget_held: held } = campaign;
  if (budget && spent === undefined) return <span className="num small">{formatMinor(budget, locale)}</span>;
  if (!budget || !spent) return <span className="muted">{t('campaign.noBudget')}</span>;
  const share = budget.amount ? Math.min(1, spent.amount / budget.amount) : 1;
  const redeemed = { ...spent, amount: spent.amount - (held?.amount ?? 0) };
  const mayRead = can('redemptions.read');
  return (
    <span className="cell--stack grow">
      <span className="num small">
        <Drill to={mayRead && rows.redemptions({ campaign_id: id, status: 'redeemed' })}>
          {t('campaign.spentOf', { spent: formatMinor(redeemed, locale), budget: formatMinor(budget, locale) })}
        </Drill>
        {held && held.amount > 0 && (
          <>
            {' + '}
            <Drill to={mayRead && rows.held({ campaign_id: id })}>{t('campaign.held', { held: formatMinor(held, locale) })}</Drill>
          </>
        )}{' '}
        <span className="muted">({formatShare(share, locale)})</span>
      </span>
      <span className="meter" aria-hidden>
        <span className={`meter__fill${share >= 0.9 ? ' meter__fill--full' : ''}`} style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
