import { parseISO } from 'date-fns';
import type { BudgetCourse } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount, formatCount, formatDay } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { Chart } from '../../shared/ui/Chart';
import { Drill } from '../../shared/ui/Drill';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { campaignsApi } from './campaignsApi';

/** What is left of the budgets of a campaign, day by day, beside what an even plan would leave (CMP-09). */
export function BurnDown({ id }: { id: string }) {
  const { data, error, refetch } = campaignsApi.endpoints.getBurnDown.useQuery({ id });
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <Skeletons lines={6} />;
  return data.budgets.map((budget) => <Course key={budget.unit} budget={budget} campaign={id} />);
}

function Course({ budget, campaign }: { budget: BudgetCourse; campaign: string }) {
  const { t, locale } = useTranslation();
  const canDrill = useCan()('redemptions.read');
  /** What was used of the budget, or held for it, up to a day. */
  const rowsOf = (key: string, day?: string) =>
    key === 'held' ? rows.attempts({ campaign_id: campaign, result: 'held', to: day }) : rows.redemptions({ campaign_id: campaign, status: 'redeemed', to: day });
  const isMoney = budget.unit !== 'use';
  const show = (value: number) => (isMoney ? formatAmount(value, budget.unit, locale) : formatCount(value, locale));
  const last = budget.points.at(-1)?.day;
  const isOver = !last || parseISO(last) < new Date(Date.now() - 2 * 86_400_000);
  const hasPlan = budget.points.some(({ planned }) => planned !== null);
  const lines = [
    { key: 'remaining', name: t('budget.remaining'), money: isMoney },
    ...(hasPlan ? [{ key: 'planned', name: t('budget.planned'), money: isMoney }] : []),
    { key: 'spent', name: t('budget.spent'), money: isMoney },
    { key: 'held', name: t('budget.held'), money: isMoney },
  ];
  return (
    <section className="stack stack--tight">
      <Chart
        kind="line"
        title={t(isMoney ? 'budget.title' : 'budget.title.use')}
        currency={isMoney ? budget.unit : undefined}
        rows={budget.points.map(({ day, remaining, planned, spent, held }) => ({ x: day, remaining, spent, held, ...(planned === null ? {} : { planned }) }))}
        lines={lines}
        {...(canDrill ? { to: (day: string, key: string) => rowsOf(key, day) } : {})}
      />
      <dl className="facts">
        {(['spent', 'held', 'remaining'] as const).map((key) => (
          <div className="facts__pair" key={key}>
            <dt>{t(`budget.${key}`)}</dt>
            <dd className="num">
              <Drill to={canDrill && rowsOf(key)}>{show(budget[key])}</Drill>
            </dd>
          </div>
        ))}
      </dl>
      <p className="muted small">
        {isOver ? t('budget.over') : budget.exhausted_on ? t('budget.exhausted', { day: formatDay(budget.exhausted_on, locale) }) : t('budget.lasts')}
      </p>
    </section>
  );
}
