import { client } from '../api/client.generated';
import { problemOf } from '../api/problem';
import { useCan } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { ErrorState, Skeletons } from './States';

/**
 * Why a redemption came out as it did, in sentences of the service.
 * @param plain what is known without the receipt, which not everybody may read.
 */
export function ReceiptWords({ id, plain }: { id: string; plain: string }) {
  const { t, locale } = useTranslation();
  const isAllowed = useCan()('receipts.read');
  const { data, error, refetch } = client.endpoints.getReceipt.useQuery({ id, lang: locale }, { skip: !isAllowed });
  if (!isAllowed || problemOf(error)?.status === 404) return <p className="words">{plain}</p>;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <Skeletons lines={2} />;
  return (
    <section className="words" aria-label={t('receipt.words')}>
      {data.sentences.map((sentence) => (
        <p key={sentence} className="anywhere">
          {sentence}
        </p>
      ))}
    </section>
  );
}
