import { ScrollText } from 'lucide-react';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { EventEntry } from '../../shared/ui/EventEntry';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';

const pageSize = 25;

/** Everything the log knows of a coupon, newest first. */
export function CouponTimeline({ coupon }: { coupon: Coupon }) {
  const { t } = useTranslation();
  const pages = usePages(couponsApi.endpoints.searchAudit, { subject: `coupon:${coupon.id}`, limit: pageSize });
  if (pages.isLoading) return <Skeletons lines={8} />;
  if (pages.error) return <ErrorState error={pages.error} onRetry={pages.refetch} />;
  if (pages.rows.length === 0) return <EmptyState icon={ScrollText} title={t('audit.empty')} text={t('audit.soon')} />;
  return (
    <>
      <ol className="card">
        {pages.rows.map((entry) => (
          <EventEntry key={entry.seq} entry={entry} withSubject={entry.subject !== `coupon:${coupon.id}`} />
        ))}
      </ol>
      {pages.hasMore && (
        <div>
          <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
            {t('action.loadMore')}
          </Button>
        </div>
      )}
    </>
  );
}
