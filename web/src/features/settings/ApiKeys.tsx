import { KeyRound, Plus } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import type { ApiKeyView } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useAppSelector } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import { Day } from '../../shared/ui/Values';
import { Listing } from '../../shared/ui/Listing';
import { SecretDialog } from './SecretDialog';
import { settingsApi } from './settingsApi';

/** Keys of machines: what each may do, when it was used; made here, shown once, revoked here. */
export function ApiKeys() {
  const { t } = useTranslation();
  const pages = usePages(settingsApi.endpoints.listApiKeys, { limit: 50, isLive: true });
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKeyView>();
  return (
    <>
      <Listing
        title={t('settings.keys')}
        icon={KeyRound}
        empty={t('settings.noKeys')}
        pages={pages}
        columns={[t('settings.name'), t('settings.prefix'), t('settings.permissions'), t('settings.lastUsed'), '']}
        action={
          <Button icon={Plus} keys="n" onClick={() => setCreating(true)}>
            {t('settings.createKey')}
          </Button>
        }
        row={(key) => (
          <tr key={key.id}>
            <td>
              <bdi>{key.name}</bdi>
            </td>
            <td>
              <code>{key.prefix}…</code>
            </td>
            <td className="small">
              <details>
                <summary>{t('settings.permissionCount', { count: key.permissions.length })}</summary>
                {key.permissions.join(', ')}
              </details>
            </td>
            <td>
              <Day at={key.last_used_on} otherwise={t('time.never')} />
            </td>
            <td className="end">
              <Button size="small" onClick={() => setRevoking(key)} aria-label={`${t('settings.revoke')} ${key.name}`}>
                {t('settings.revoke')}
              </Button>
            </td>
          </tr>
        )}
      />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
      {revoking && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  // Nobody can grant what they lack.
  const mine = useAppSelector((state) => state.session.session?.permissions) ?? [];
  const key = useRef(`web-${nanoid()}`);
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [made, setMade] = useState<string>();
  const [failure, setFailure] = useState<string>();
  const [create, { isLoading }] = settingsApi.endpoints.createApiKey.useMutation();
  const run = async () => {
    if (!name.trim() || chosen.length === 0) {
      setFailure(t('settings.keyRule'));
      return;
    }

    const answer = await create({ 'Idempotency-Key': key.current, apiKeyWanted: { name: name.trim(), permissions: chosen } });
    if (answer.data?.key) setMade(answer.data.key);
    else {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
    }
  };
  if (made) return <SecretDialog title={name} secret={made} onClose={onClose} />;
  return (
    <Dialog
      title={t('settings.createKey')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isLoading} onClick={run}>
            {t('action.create')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label={t('settings.name')}>
          <input className="input" value={name} maxLength={100} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
        <fieldset className="plain-fieldset stack stack--tight">
          <legend className="field__label">{t('settings.permissions')}</legend>
          {mine.map((permission) => (
            <label className="check" key={permission}>
              <input
                type="checkbox"
                checked={chosen.includes(permission)}
                onChange={(event) => setChosen(event.target.checked ? [...chosen, permission] : chosen.filter((one) => one !== permission))}
              />
              <code>{permission}</code>
            </label>
          ))}
        </fieldset>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKeyView; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [revoke, { isLoading }] = settingsApi.endpoints.revokeApiKey.useMutation();
  const run = async () => {
    const answer = await revoke({ id: apiKey.id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('settings.revoked', { name: apiKey.name }));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t('settings.revoke.title', { name: apiKey.name })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" busy={isLoading} onClick={run}>
            {t('settings.revoke')}
          </Button>
        </>
      }
    >
      <p>{t('settings.revoke.text')}</p>
    </Dialog>
  );
}
