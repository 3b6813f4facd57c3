import { Ellipsis, LogOut, ShieldOff, UserCheck, UserX } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import type { PersonView } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useAppSelector } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { FieldError } from '../../shared/ui/Field';
import { Menu, MenuItem } from '../../shared/ui/Menu';
import { useToast } from '../../shared/ui/Toasts';
import { settingsApi } from './settingsApi';

const changes = {
  signOut: { action: 'settings.signOut', text: 'settings.signOut.text', done: 'settings.signOut.done' },
  reset: { action: 'settings.resetFactor', text: 'settings.resetFactor.text', done: 'settings.resetFactor.done' },
  switchOff: { action: 'settings.switchOff', text: 'settings.switchOff.text', done: 'settings.switchOff.done' },
  switchOn: { action: 'settings.switchOn', text: 'settings.switchOn.text', done: 'settings.switchOn.done' },
} as const;
type Change = keyof typeof changes;

/** What an administrator does for somebody else's security (ACC-01); each is asked once more before. */
export function PersonActions({ person }: { person: PersonView }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Change>();
  const isOwn = useAppSelector((state) => state.session.session?.actor_id) === `person:${person.id}`;
  return (
    <>
      <Menu label={`${t('action.more')}: ${person.name}`} icon={Ellipsis} look="quiet" size="small">
        <MenuItem icon={LogOut} onClick={() => setAsked('signOut')}>
          {t('settings.signOut')}
        </MenuItem>
        <MenuItem icon={ShieldOff} danger disabled={isOwn || !person.has_second_factor} onClick={() => setAsked('reset')}>
          {t('settings.resetFactor')}
        </MenuItem>
        <MenuItem
          icon={person.is_active ? UserX : UserCheck}
          danger={person.is_active}
          disabled={isOwn}
          onClick={() => setAsked(person.is_active ? 'switchOff' : 'switchOn')}
        >
          {t(person.is_active ? 'settings.switchOff' : 'settings.switchOn')}
        </MenuItem>
      </Menu>
      {asked && <ChangeDialog person={person} change={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function ChangeDialog({ person, change, onClose }: { person: PersonView; change: Change; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [failure, setFailure] = useState<string>();
  const [endSessions, ending] = settingsApi.endpoints.endSessions.useMutation();
  const [reset, resetting] = settingsApi.endpoints.resetSecondFactor.useMutation();
  const [update, updating] = settingsApi.endpoints.updatePerson.useMutation();
  const { action, text, done } = changes[change];
  const run = async () => {
    const whom = { id: person.id, 'Idempotency-Key': key.current };
    const answer = await (change === 'signOut'
      ? endSessions(whom)
      : change === 'reset'
        ? reset(whom)
        : update({ ...whom, 'If-Match': `"${person.version}"`, personPatch: { is_active: change === 'switchOn' } }));
    if (answer.error) {
      key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t(done, { name: person.name }));
    onClose();
  };
  return (
    <Dialog
      alert
      title={`${t(action)}: ${person.name}`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button
            look={change === 'switchOn' || change === 'signOut' ? 'primary' : 'danger'}
            busy={ending.isLoading || resetting.isLoading || updating.isLoading}
            onClick={run}
          >
            {t(action)}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{t(text, { name: person.name })}</p>
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
