import { ListChecks } from 'lucide-react';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { isUnderWay, OperationCard } from '../../shared/ui/OperationCard';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { operationsApi } from './operationsApi';

const statuses = ['pending', 'running', 'paused', 'succeeded', 'failed', 'cancelled'] as const;
const refreshMs = 1_500;

/** Long work of everyone, newest first, followed while it runs. */
export function OperationsPage() {
  const { t, word } = useTranslation();
  const [params, setParams] = useSearchParams();
  const status = statuses.find((one) => one === params.get('status'));
  const pages = usePages(operationsApi.endpoints.listOperations, { limit: 25, ...(status ? { status } : {}) });
  const { refetch } = pages;
  const isBusy = pages.rows.some(isUnderWay);
  useEffect(() => {
    if (!isBusy) return;
    const timer = setInterval(refetch, refreshMs);
    return () => clearInterval(timer);
  }, [isBusy, refetch]);
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.operations')}</h1>
          <p>{t('operations.text')}</p>
        </div>
        <select
          className="input filters__select"
          aria-label={t('filter.status')}
          value={status ?? ''}
          onChange={(event) => setParams(event.target.value ? { status: event.target.value } : {})}
        >
          <option value="">{t('operations.anyStatus')}</option>
          {statuses.map((one) => (
            <option key={one} value={one}>
              {word('operationStatus', one)}
            </option>
          ))}
        </select>
      </header>
      {pages.isLoading ? (
        <Skeletons lines={8} />
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 ? (
        <div className="card">
          <EmptyState icon={ListChecks} title={t('operations.empty')} text={t('operations.empty.text')} />
        </div>
      ) : (
        <div className="stack stack--tight">
          {pages.rows.map((operation) => (
            <OperationCard key={operation.id} operation={operation} />
          ))}
          {pages.hasMore && (
            <div>
              <Button busy={pages.isLoadingMore} onClick={pages.loadMore}>
                {t('action.loadMore')}
              </Button>
            </div>
          )}
        </div>
      )}
    </div>
  );
}
