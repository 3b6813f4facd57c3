import { Bookmark, BookmarkPlus, ListFilter, Trash2, Users } from 'lucide-react';
import { useState } from 'react';
import type { SavedView } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { Menu, MenuItem, MenuRule } from '../../shared/ui/Menu';
import { useToast } from '../../shared/ui/Toasts';
import { couponsApi } from './couponsApi';

/** Views of a list by name, one's own and those of one's roles (UI-11); the address has the view itself. */
export function SavedViews({ list }: { list: 'coupons' }) {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const { data } = couponsApi.endpoints.listViews.useQuery({ list });
  const [remove] = couponsApi.endpoints.removeView.useMutation();
  const [isNaming, setNaming] = useState(false);
  const [save] = couponsApi.endpoints.saveView.useMutation();
  const toast = useToast();
  const restore = async ({ name, query, role }: SavedView) => {
    const answer = await save({ savedViewWanted: { list, name, query, role } });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('views.saved', { name }));
  };
  const drop = async (view: SavedView) => {
    const answer = await remove({ id: view.id });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('views.removed', { name: view.name }), { label: t('action.undo'), run: () => void restore(view) });
  };
  const views = data?.data ?? [];
  const own = views.filter((view) => view.is_own);
  const present = params.toString();
  return (
    <>
      <Menu label={t('views.title')} icon={Bookmark} text={t('views.title')} keys="v">
        <MenuItem icon={ListFilter} onClick={() => setParams({}, { asStep: true })}>
          {t('views.all')}
        </MenuItem>
        {views.map((view) => (
          <MenuItem key={view.id} icon={view.role ? Users : Bookmark} onClick={() => setParams(new URLSearchParams(view.query), { asStep: true })}>
            <bdi>{view.name}</bdi>
            {view.role && <span className="visually-hidden">, {t('views.sharedWith', { role: view.role.replaceAll('_', ' ') })}</span>}
            {view.query === present && ' ✓'}
          </MenuItem>
        ))}
        <MenuRule />
        <MenuItem icon={BookmarkPlus} disabled={present === ''} onClick={() => setNaming(true)}>
          {t('views.save')}
        </MenuItem>
        {own.map((view) => (
          <MenuItem key={view.id} icon={Trash2} danger onClick={() => void drop(view)}>
            {t('views.remove', { name: view.name })}
          </MenuItem>
        ))}
      </Menu>
      {isNaming && <NameDialog list={list} query={present} onClose={() => setNaming(false)} />}
    </>
  );
}

function NameDialog({ list, query, onClose }: { list: 'coupons'; query: string; onClose: () => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const [name, setName] = useState('');
  const [role, setRole] = useState('');
  const [failure, setFailure] = useState<string>();
  const roles = couponsApi.endpoints.listRoles.useQuery(undefined, { skip: !can('people.read') });
  const [store, { isLoading }] = couponsApi.endpoints.saveView.useMutation();
  const save = async () => {
    if (!name.trim()) return;
    const answer = await store({ savedViewWanted: { list, name: name.trim(), query, role: role || null } });
    if (answer.error) {
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t('views.saved', { name: name.trim() }));
    onClose();
  };
  return (
    <Dialog
      title={t('views.save')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" disabled={!name.trim()} busy={isLoading} onClick={save}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field label={t('views.name')}>
          <input className="input" value={name} maxLength={60} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
        {roles.data && (
          <Field label={t('views.role')} hint={t('views.role.hint')}>
            <select className="input" value={role} onChange={(event) => setRole(event.target.value)}>
              <option value="">{t('views.role.none')}</option>
              {roles.data.data
                .filter(({ realm }) => realm === 'staff')
                .map(({ id, name: text }) => (
                  <option key={id} value={id}>
                    {text}
                  </option>
                ))}
            </select>
          </Field>
        )}
        {failure && <FieldError text={failure} />}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
