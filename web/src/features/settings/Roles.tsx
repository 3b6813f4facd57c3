import { Plus, ShieldCheck } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import type { RoleView } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useAppSelector, useCan } from '../../shared/api/store';
import { usePages } from '../../shared/api/usePages';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { changesOf, FormChanges, wordsOf, type labelOf } from '../../shared/ui/FormChanges';
import { SideBySide } from '../../shared/ui/SideBySide';
import { useToast } from '../../shared/ui/Toasts';
import { useUnsaved } from '../../shared/ui/Unsaved';
import { Listing } from '../../shared/ui/Listing';
import { roleName } from './roleNames';
import { settingsApi } from './settingsApi';

/** Ready-made roles, and those put together here from their permissions (ACC-02). */
export function Roles() {
  const { t, word, locale } = useTranslation();
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
            <Button icon={Plus} keys="n" onClick={() => setEdited('new')}>
              {t('settings.createRole')}
            </Button>
          )
        }
        row={(role) => (
          <tr key={role.id}>
            <td>
              <bdi>{roleName(role, locale)}</bdi> {role.is_ready_made && <span className="badge">{t('settings.readyMade')}</span>}
            </td>
            <td>{word('realm', role.realm)}</td>
            <td className="small">
              <details>
                <summary>{t('settings.permissionCount', { count: role.permissions.length })}</summary>
                {role.permissions.join(', ')}
              </details>
            </td>
            <td className="end">
              {mayEdit && role.realm === 'staff' && (
                <Button size="small" onClick={() => setEdited(role)} aria-label={`${t(role.is_ready_made ? 'settings.recombine' : 'action.edit')}: ${roleName(role, locale)}`}>
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

const roleLabel: typeof labelOf = (field, t) => t(`settings.${field}` as MessageKey);
const groupOf = (permission: string) => permission.split('.')[0] ?? permission;

/** A ready-made role is only begun from; one of our own is changed. */
function RoleDialog({ role, onClose }: { role: RoleView | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  // Nobody can grant what they lack.
  const mine = useAppSelector((state) => state.session.session?.permissions) ?? [];
  const [own, setOwn] = useState(role && !role.is_ready_made ? role : undefined);
  const [theirs, setTheirs] = useState<RoleView>();
  const key = useRef(`web-${nanoid()}`);
  const [name, setName] = useState(own?.name ?? '');
  const [chosen, setChosen] = useState<string[]>(role?.permissions.filter((one) => mine.includes(one)) ?? []);
  const [begun] = useState({ name, permissions: chosen });
  const entered = { name, permissions: inOrder(chosen, begun.permissions) };
  const changes = changesOf(begun, entered);
  const unsaved = useUnsaved(changes.length > 0, onClose);
  const [failure, setFailure] = useState<string>();
  const [read] = settingsApi.endpoints.getRole.useLazyQuery();
  const [create, creating] = settingsApi.endpoints.createRole.useMutation();
  const [replace, replacing] = settingsApi.endpoints.replaceRole.useMutation();
  const [remove] = settingsApi.endpoints.deleteRole.useMutation();
  const groups = [...new Set(mine.map(groupOf))].sort();
  const save = async (over = own) => {
    const id = over?.id ?? name.trim().toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 40);
    if (!id || chosen.length === 0) {
      setFailure(t('settings.roleRule'));
      return;
    }

    const wanted = { id, name: name.trim(), realm: 'staff', permissions: chosen };
    const answer = over
      ? await replace({ id, 'If-Match': `"${over.version}"`, roleWanted: wanted })
      : await create({ 'Idempotency-Key': key.current, roleWanted: wanted });
    if (answer.error) {
      if (over && problemOf(answer.error)?.status === 412) {
        const now = await read({ id });
        if (now.data) return setTheirs(now.data);
      }

      // Refused means nothing happened; unreachable may have happened, so it is asked again under its key.
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    unsaved.release();
    toast('success', t('settings.roleSaved', { name: name.trim() }));
    onClose();
  };
  const drop = async () => {
    if (!own) return;
    const answer = await remove({ id: own.id, 'If-Match': `"${own.version}"` });
    if (answer.error) return setFailure(messageOf(answer.error, t));
    unsaved.release();
    onClose();
  };
  return (
    <Dialog
      look="wide"
      title={own ? own.name : t('settings.createRole')}
      onClose={unsaved.close}
      foot={
        <>
          {own && (
            <Button look="danger" onClick={drop}>
              {t('action.delete')}
            </Button>
          )}
          <FormChanges changes={changes} label={roleLabel} />
          <Button onClick={unsaved.close}>{t('action.cancel')}</Button>
          <Button look="primary" busy={creating.isLoading || replacing.isLoading} onClick={() => save()}>
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
      {unsaved.question}
      {theirs && (
        <SideBySide
          rows={changesOf({ name: theirs.name, permissions: inOrder(theirs.permissions, chosen) }, { name, permissions: chosen }).map(({ field, from, to }) => ({
            label: roleLabel(field, t),
            mine: wordsOf(to, t),
            theirs: wordsOf(from, t),
          }))}
          onClose={() => {
            // What is edited on replaces what is stored now, knowingly.
            setOwn(theirs);
            setTheirs(undefined);
          }}
          onKeepMine={() => {
            setOwn(theirs);
            setTheirs(undefined);
            return save(theirs);
          }}
          onTakeTheirs={() => {
            unsaved.release();
            onClose();
          }}
        />
      )}
    </Dialog>
  );
}

/** A list without an order of its own, in that of another, so that the same is shown the same. */
const inOrder = (list: readonly string[], like: readonly string[]) => [...like.filter((one) => list.includes(one)), ...list.filter((one) => !like.includes(one))];
