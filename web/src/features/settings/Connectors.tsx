import { Cable } from 'lucide-react';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Listing } from './Listing';
import { settingsApi } from './settingsApi';

/** Partners that are told when coupons end; how they are reached. */
export function Connectors() {
  const { t, word } = useTranslation();
  const pages = usePages(settingsApi.endpoints.listConnectors, { limit: 50 });
  return (
    <Listing
      title={t('settings.connectors')}
      icon={Cable}
      empty={t('settings.noConnectors')}
      pages={pages}
      columns={[t('settings.name'), t('settings.kind'), t('settings.url'), t('settings.encoding'), t('filter.status')]}
      row={(connector) => (
        <tr key={connector.id}>
          <td>
            <bdi>{connector.name}</bdi>
          </td>
          <td>{word('connectorKind', connector.kind)}</td>
          <td>
            <code>{connector.address}</code>
          </td>
          <td>{word('encoding', connector.encoding)}</td>
          <td>
            <span className={`badge badge--${connector.is_active ? 'ok' : 'warn'}`}>{t(connector.is_active ? 'status.active' : 'status.inactive')}</span>
          </td>
        </tr>
      )}
    />
  );
}
