import { Cable, Ellipsis, PlugZap, Plus } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useState } from 'react';
import { Link } from 'react-router';
import type { Connector, TestCall } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { rows } from '../../shared/lib/rows';
import { failureInWords } from '../../shared/lib/failure';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Menu, MenuItem } from '../../shared/ui/Menu';
import { useToast } from '../../shared/ui/Toasts';
import { ConnectorForm } from './ConnectorForm';
import { Listing } from '../../shared/ui/Listing';
import { SecretDialog } from './SecretDialog';
import { settingsApi } from './settingsApi';

/** Partners that are told when coupons end; how they are reached, and whether they answer. */
export function Connectors() {
  const { t, word } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const pages = usePages(settingsApi.endpoints.listConnectors, { limit: 50 });
  const [edited, setEdited] = useState<Connector | 'new'>();
  const [tested, setTested] = useState<{ name: string; call: TestCall }>();
  const [secret, setSecret] = useState<{ name: string; secret: string }>();
  const [test] = settingsApi.endpoints.testConnector.useMutation();
  const [rotate] = settingsApi.endpoints.rotateConnectorSecret.useMutation();
  const mayWrite = can('connectors.write');
  const call = async ({ id, name }: Connector) => {
    const answer = await test({ id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else setTested({ name, call: answer.data });
  };
  const turn = async ({ id, name }: Connector) => {
    const answer = await rotate({ id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else setSecret({ name, secret: answer.data.secret ?? '' });
  };
  return (
    <>
      <Listing
        title={t('settings.connectors')}
        icon={Cable}
        empty={t('settings.noConnectors')}
        pages={pages}
        columns={[t('settings.name'), t('settings.kind'), t('settings.url'), t('settings.encoding'), t('filter.status'), '']}
        action={
          mayWrite && (
            <Button icon={Plus} keys="n" onClick={() => setEdited('new')}>
              {t('settings.createConnector')}
            </Button>
          )
        }
        row={(connector) => (
          <tr key={connector.id}>
            <td>
              <Link to={rows.calls(connector.id)}>
                <bdi>{connector.name}</bdi>
              </Link>
            </td>
            <td>{word('connectorKind', connector.kind)}</td>
            <td>
              <code className="anywhere">{connector.address}</code>
            </td>
            <td>{word('encoding', connector.encoding)}</td>
            <td>
              <span className={`badge badge--${connector.is_active ? 'ok' : 'warn'}`}>{t(connector.is_active ? 'status.active' : 'status.inactive')}</span>
            </td>
            <td className="end">
              {mayWrite && (
                <span className="row">
                  <Button size="small" icon={PlugZap} onClick={() => call(connector)} aria-label={`${t('settings.testCall')}: ${connector.name}`}>
                    {t('settings.testCall')}
                  </Button>
                  <Menu label={`${t('action.more')}: ${connector.name}`} icon={Ellipsis} look="quiet" size="small">
                    <MenuItem onClick={() => setEdited(connector)}>{t('action.edit')}</MenuItem>
                    <MenuItem onClick={() => void turn(connector)}>{t(connector.has_signing_secret ? 'settings.rotate' : 'settings.firstSecret')}</MenuItem>
                  </Menu>
                </span>
              )}
            </td>
          </tr>
        )}
      />
      {edited && <ConnectorForm {...(edited === 'new' ? {} : { connector: edited })} onClose={() => setEdited(undefined)} />}
      {secret && <SecretDialog title={secret.name} secret={secret.secret} onClose={() => setSecret(undefined)} />}
      {tested && (
        <Dialog
          title={t('settings.testCall.title', { name: tested.name })}
          onClose={() => setTested(undefined)}
          foot={
            <Button look="primary" onClick={() => setTested(undefined)}>
              {t('action.close')}
            </Button>
          }
        >
          <div className="stack">
            <p>
              <span className={`badge badge--${['acknowledged', 'accepted'].includes(tested.call.outcome) ? 'ok' : 'danger'}`}>{word('testCall', tested.call.outcome)}</span>{' '}
              {tested.call.status ?? ''} · {tested.call.milliseconds} ms
            </p>
            {tested.call.reason && <p className="anywhere">{failureInWords(tested.call.reason, { t })}</p>}
            {tested.call.answer && <pre className="answer">{tested.call.answer}</pre>}
          </div>
        </Dialog>
      )}
    </>
  );
}
