import { Archive, Download } from 'lucide-react';
import type { RetentionView } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { Listing } from '../../shared/ui/Listing';
import { Ago } from '../../shared/ui/Values';
import { kindText } from './retentionKinds';
import { settingsApi } from './settingsApi';

/** What runs of retention archived, each as a file (AUD-08). */
export function Archives({ kinds }: { kinds: RetentionView[] }) {
  const { t, locale } = useTranslation();
  const withMoney = useCan()('finance.read');
  const pages = usePages(settingsApi.endpoints.listRetentionRuns, { limit: 25, hasArchived: true });
  return (
    <Listing
      title={t('archive.title')}
      icon={Archive}
      empty={t('archive.none')}
      emptyText={t('archive.about')}
      pages={pages}
      columns={[t('retention.kind'), t('archive.archived_at'), t('archive.records'), '']}
      row={(run) => {
        const kind = kinds.find((one) => one.data_kind === run.data_kind);
        const name = kind ? kindText(kind, locale) : run.data_kind;
        return (
          <tr key={run.id}>
            <td className="wide">{name}</td>
            <td>
              <Ago at={run.started_at} />
            </td>
            <td className="num">{formatCount(run.archived, locale)}</td>
            <td className="end">
              {withMoney ? (
                <a className="button button--small" href={`/api/v1/retention/runs/${run.id}/archive`} download aria-label={`${t('action.download')}: ${name}`}>
                  <Download className="icon" aria-hidden />
                  {t('action.download')}
                </a>
              ) : (
                <span className="small muted">{t('archive.noMoney')}</span>
              )}
            </td>
          </tr>
        );
      }}
    />
  );
}
