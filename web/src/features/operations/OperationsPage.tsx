import { ListChecks } from 'lucide-react';
import { useEffect } from 'react';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { isUnderWay, OperationCard } from '../../shared/ui/OperationCard';
import { Paged, StatusSelect } from '../../shared/ui/Paged';
import { EmptyState } from '../../shared/ui/States';
import { operationsApi } from '../../shared/api/operations';

const statuses = ['pending', 'running', 'paused', 'succeeded', 'failed', 'cancelled'] as const;
const refreshMs = 1_500;

/** Long work of everyone, newest first, followed while it runs. */
export function OperationsPage() {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
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
        <StatusSelect label={t('filter.status')} statuses={statuses} family="operationStatus" value={status} onChange={(next) => setParams(next ? { status: next } : {})} />
      </header>
      <Paged
        pages={pages}
        lines={8}
        empty={
          <div className="card">
            <EmptyState icon={ListChecks} title={t('operations.empty')} text={t('operations.empty.text')} />
          </div>
        }
      >
        <div className="stack stack--tight">
          {pages.rows.map((operation) => (
            <OperationCard key={operation.id} operation={operation} />
          ))}
        </div>
      </Paged>
    </div>
  );
}
