import { Bookmark, BookmarkPlus, ListFilter, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { useAppDispatch, useAppSelector } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { viewRemoved, viewSaved } from '../../shared/lib/prefs';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import { Menu, MenuItem, MenuRule } from '../../shared/ui/Menu';
import { useToast } from '../../shared/ui/Toasts';

/** Views of a list by name: the address has the view, so a name for the address is all there is to save. */
export function SavedViews({ list }: { list: string }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const [params, setParams] = useSearchParams();
  const views = useAppSelector((state) => state.prefs.views).filter((view) => view.list === list);
  const [isNaming, setNaming] = useState(false);
  const present = params.toString();
  return (
    <>
      <Menu label={t('views.title')} icon={Bookmark} text={t('views.title')}>
        <MenuItem icon={ListFilter} onClick={() => setParams({})}>
          {t('views.all')}
        </MenuItem>
        {views.map((view) => (
          <MenuItem key={view.name} icon={Bookmark} onClick={() => setParams(new URLSearchParams(view.query))}>
            <bdi>{view.name}</bdi>
            {view.query === present && ' ✓'}
          </MenuItem>
        ))}
        <MenuRule />
        <MenuItem icon={BookmarkPlus} disabled={present === ''} onClick={() => setNaming(true)}>
          {t('views.save')}
        </MenuItem>
        {views.map((view) => (
          <MenuItem key={view.name} icon={Trash2} danger onClick={() => dispatch(viewRemoved({ list, name: view.name }))}>
            {t('views.remove', { name: view.name })}
          </MenuItem>
        ))}
      </Menu>
      {isNaming && <NameDialog list={list} query={present} onClose={() => setNaming(false)} />}
    </>
  );
}

function NameDialog({ list, query, onClose }: { list: string; query: string; onClose: () => void }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const toast = useToast();
  const [name, setName] = useState('');
  const save = () => {
    if (!name.trim()) return;
    dispatch(viewSaved({ list, name: name.trim(), query }));
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
          <Button look="primary" disabled={!name.trim()} onClick={save}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field label={t('views.name')}>
          <input className="input" value={name} maxLength={60} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
