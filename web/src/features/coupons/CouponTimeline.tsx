import { ScrollText } from 'lucide-react';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { EventEntry } from '../../shared/ui/EventEntry';
import { LoadMore } from '../../shared/ui/Paged';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';

const pageSize = 25;

/** Everything the log knows of a coupon, newest first. */
export const CouponTimeline = ({ coupon }: { coupon: Coupon }) => <History subject={`coupon:${coupon.id}`} />;

/** Everything the log knows of one thing, newest first. */
export function History({ subject }: { subject: string }) {
  const { t } = useTranslation();
  const pages = usePages(couponsApi.endpoints.searchAudit, { subject, limit: pageSize });
  if (pages.isLoading) return <Skeletons lines={8} />;
  if (pages.error) return <ErrorState error={pages.error} onRetry={pages.refetch} />;
  if (pages.rows.length === 0) return <EmptyState icon={ScrollText} title={t('audit.empty')} text={t('audit.soon')} />;
  return (
    <>
      <ol className="card">
        {pages.rows.map((entry) => (
          <EventEntry key={entry.seq} entry={entry} withSubject={entry.subject !== subject} />
        ))}
      </ol>
      <LoadMore pages={pages} />
    </>
  );
}
