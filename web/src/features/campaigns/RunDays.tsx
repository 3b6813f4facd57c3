import { useTranslation } from '../../shared/i18n/i18n';
import { Day } from '../../shared/ui/Values';
import { daysOfRun, type Run } from './calendar';

/** The first and the last day of a campaign. */
export function RunDays({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { last } = daysOfRun(run);
  return (
    <>
      <Day at={run.start_date} /> – <Day at={last?.toISOString()} otherwise={t('time.unlimited')} />
    </>
  );
}
