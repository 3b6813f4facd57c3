import { Plus, Users } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { Listing } from '../../shared/ui/Listing';
import { PersonActions } from './PersonActions';
import { roleName } from './roleNames';
import { SecretDialog } from './SecretDialog';
import { settingsApi } from './settingsApi';

/** Staff and their roles; invited here, and helped when a second factor is lost. */
export function People() {
  const { t } = useTranslation();
  const can = useCan();
  const pages = usePages(settingsApi.endpoints.listPeople, { limit: 50, realm: 'staff' as const });
  const [isInviting, setInviting] = useState(false);
  return (
    <>
      <Listing
        title={t('settings.people')}
        icon={Users}
        empty={t('settings.noPeople')}
        pages={pages}
        columns={[t('settings.name'), t('signIn.email'), t('settings.roles'), t('settings.secondFactor'), t('filter.status'), '']}
        action={
          can('people.manage') && (
            <Button icon={Plus} keys="n" onClick={() => setInviting(true)}>
              {t('settings.invite')}
            </Button>
          )
        }
        row={(person) => (
          <tr key={person.id}>
            <td>
              <bdi>{person.name}</bdi>
            </td>
            <td>
              <bdi>{person.email}</bdi>
            </td>
            <td>{person.roles.join(', ')}</td>
            <td>{t(person.has_second_factor ? 'value.yes' : 'value.no')}</td>
            <td>
              <span className={`badge badge--${person.is_active ? 'ok' : 'neutral'}`}>
                {t(!person.is_active ? 'status.inactive' : person.has_password ? 'status.active' : 'settings.invited')}
              </span>
            </td>
            <td className="end">{can('people.manage') && <PersonActions person={person} />}</td>
          </tr>
        )}
      />
      {isInviting && <InviteDialog onClose={() => setInviting(false)} />}
    </>
  );
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const { t, locale } = useTranslation();
  const key = useRef(`web-${nanoid()}`);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [roles, setRoles] = useState<string[]>([]);
  const [failure, setFailure] = useState<string>();
  const [token, setToken] = useState<string>();
  const known = settingsApi.endpoints.listRoles.useQuery();
  const [invite, { isLoading }] = settingsApi.endpoints.invitePerson.useMutation();
  const run = async () => {
    const answer = await invite({ 'Idempotency-Key': key.current, personWanted: { realm: 'staff', name: name.trim(), email: email.trim(), roles } });
    if (answer.data) setToken(answer.data.invitation_token ?? '');
    else {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
    }
  };
  if (token !== undefined) return <SecretDialog title={t('settings.invitation', { name })} secret={token} onClose={onClose} />;
  return (
    <Dialog
      title={t('settings.invite')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isLoading} onClick={run}>
            {t('settings.invite')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label={t('settings.name')}>
          <input className="input" value={name} maxLength={200} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t('signIn.email')}>
          <input className="input" type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
        </Field>
        <fieldset className="plain-fieldset stack stack--tight">
          <legend className="field__label">{t('settings.roles')}</legend>
          {(known.data?.data ?? [])
            .filter((role) => role.realm === 'staff')
            .map((role) => (
              <label className="check" key={role.id}>
                <input
                  type="checkbox"
                  checked={roles.includes(role.id)}
                  onChange={(event) => setRoles(event.target.checked ? [...roles, role.id] : roles.filter((one) => one !== role.id))}
                />
                {roleName(role, locale)}
              </label>
            ))}
        </fieldset>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
