import { Plus, ShieldCheck } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import type { RoleView } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useAppSelector, useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import { Listing } from './Listing';
import { settingsApi } from './settingsApi';

/** Ready-made roles, and those put together here from their permissions (ACC-02). */
export function Roles() {
  const { t } = useTranslation();
  const can = useCan();
  const pages = usePages(settingsApi.endpoints.listRoles as never, {}) as ReturnType<typeof usePages<object, RoleView>>;
  const [edited, setEdited] = useState<RoleView | 'new'>();
  const mayEdit = can('people.manage');
  return (
    <>
      <Listing
        title={t('settings.roles')}
        icon={ShieldCheck}
        empty={t('settings.noRoles')}
        pages={pages}
        columns={[t('settings.name'), t('settings.realm'), t('settings.permissions'), '']}
        action={
          mayEdit && (
            <Button icon={Plus} onClick={() => setEdited('new')}>
              {t('settings.createRole')}
            </Button>
          )
        }
        row={(role) => (
          <tr key={role.id}>
            <td>
              <bdi>{role.name}</bdi> {role.is_ready_made && <span className="badge">{t('settings.readyMade')}</span>}
            </td>
            <td>{role.realm}</td>
            <td className="small">
              <details>
                <summary>{t('settings.permissionCount', { count: role.permissions.length })}</summary>
                {role.permissions.join(', ')}
              </details>
            </td>
            <td className="end">
              {mayEdit && role.realm === 'staff' && (
                <Button size="small" onClick={() => setEdited(role)} aria-label={`${t(role.is_ready_made ? 'settings.recombine' : 'action.edit')}: ${role.name}`}>
                  {t(role.is_ready_made ? 'settings.recombine' : 'action.edit')}
                </Button>
              )}
            </td>
          </tr>
        )}
      />
      {edited && <RoleDialog role={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </>
  );
}

const groupOf = (permission: string) => permission.split('.')[0] ?? permission;

/** A ready-made role is only begun from; one of our own is changed. */
function RoleDialog({ role, onClose }: { role: RoleView | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  // Nobody can grant what they lack.
  const mine = useAppSelector((state) => state.session.session?.permissions) ?? [];
  const own = role && !role.is_ready_made ? role : undefined;
  const key = useRef(`web-${nanoid()}`);
  const [name, setName] = useState(own?.name ?? '');
  const [chosen, setChosen] = useState<string[]>(role?.permissions.filter((one) => mine.includes(one)) ?? []);
  const [failure, setFailure] = useState<string>();
  const [create, creating] = settingsApi.endpoints.createRole.useMutation();
  const [replace, replacing] = settingsApi.endpoints.replaceRole.useMutation();
  const [remove] = settingsApi.endpoints.deleteRole.useMutation();
  const groups = [...new Set(mine.map(groupOf))].sort();
  const save = async () => {
    const id = own?.id ?? name.trim().toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 40);
    if (!id || chosen.length === 0) {
      setFailure(t('settings.roleRule'));
      return;
    }

    const wanted = { id, name: name.trim(), realm: 'staff', permissions: chosen };
    const answer = own
      ? await replace({ id, 'If-Match': `"${own.version}"`, roleWanted: wanted })
      : await create({ 'Idempotency-Key': key.current, roleWanted: wanted });
    if (answer.error) {
      key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t('settings.roleSaved', { name: name.trim() }));
    onClose();
  };
  const drop = async () => {
    if (!own) return;
    const answer = await remove({ id: own.id, 'If-Match': `"${own.version}"` });
    if (answer.error) setFailure(messageOf(answer.error, t));
    else onClose();
  };
  return (
    <Dialog
      look="wide"
      title={own ? own.name : t('settings.createRole')}
      onClose={onClose}
      foot={
        <>
          {own && (
            <Button look="danger" onClick={drop}>
              {t('action.delete')}
            </Button>
          )}
          <span className="grow" />
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={creating.isLoading || replacing.isLoading} onClick={save}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label={t('settings.name')}>
          <input className="input" value={name} maxLength={100} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="permission-groups">
          {groups.map((group) => (
            <fieldset key={group} className="plain-fieldset stack stack--tight">
              <legend className="field__label">{group.replaceAll('_', ' ')}</legend>
              {mine
                .filter((permission) => groupOf(permission) === group)
                .map((permission) => (
                  <label className="check small" key={permission}>
                    <input
                      type="checkbox"
                      checked={chosen.includes(permission)}
                      onChange={(event) => setChosen(event.target.checked ? [...chosen, permission] : chosen.filter((one) => one !== permission))}
                    />
                    {permission.slice(group.length + 1).replaceAll('_', ' ') || permission}
                  </label>
                ))}
            </fieldset>
          ))}
        </div>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
