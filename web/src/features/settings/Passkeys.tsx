import { KeyRound, Plus } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { Passkey } from '../../shared/api/client.generated';
import { messageOf, problemOf, type QueryFailure } from '../../shared/api/problem';
import { sessionEnded } from '../../shared/api/session';
import { useAppDispatch } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { canUsePasskeys, createPasskey } from '../../shared/lib/passkeys';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { Scrollable } from '../../shared/ui/Scrollable';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Day } from '../../shared/ui/Values';
import { settingsApi } from './settingsApi';
import { useSessionAnew } from './useSessionAnew';

type Open = { kind: 'add' } | { kind: 'rename' | 'remove'; passkey: Passkey };

/** The passkeys of one's own account; made by the device, named here. */
export function Passkeys() {
  const { t } = useTranslation();
  const { data, error, refetch } = settingsApi.endpoints.listPasskeys.useQuery();
  const ways = settingsApi.endpoints.getSignInWays.useQuery();
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const available = ways.data?.passkey && canUsePasskeys();
  return (
    <section className="card" aria-label={t('account.passkeys')}>
      <div className="card__head">
        <h2>{t('account.passkeys')}</h2>
        {available && (
          <Button icon={Plus} onClick={() => setOpen({ kind: 'add' })}>
            {t('account.passkeys.add')}
          </Button>
        )}
      </div>
      <div className="card__body">
        <p>{t(ways.data && !available ? 'account.passkeys.unavailable' : 'account.passkeys.text')}</p>
      </div>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !data ? (
        <div className="card__body">
          <Skeletons lines={2} />
        </div>
      ) : data.data.length === 0 ? (
        <EmptyState icon={KeyRound} title={t('account.passkeys.none')} />
      ) : (
        <Scrollable label={t('account.passkeys')}>
          <table className="simple-table">
            <thead>
              <tr>
                <th scope="col">{t('settings.name')}</th>
                <th scope="col">{t('account.passkeys.created')}</th>
                <th scope="col">{t('account.passkeys.used')}</th>
                <th scope="col">
                  <span className="visually-hidden">{t('action.actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.data.map((passkey) => (
                <tr key={passkey.id}>
                  <td>
                    <bdi>{passkey.name}</bdi>
                  </td>
                  <td>
                    <Day at={passkey.created_at} />
                  </td>
                  <td>
                    <Day at={passkey.used_at} otherwise={t('time.never')} />
                  </td>
                  <td className="end">
                    {(['rename', 'remove'] as const).map((kind) => (
                      <span key={kind}>
                        {' '}
                        <Button size="small" label={`${t(`account.passkeys.${kind}`)} ${passkey.name}`} onClick={() => setOpen({ kind, passkey })}>
                          {t(`account.passkeys.${kind}`)}
                        </Button>
                      </span>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
      {open?.kind === 'add' && <AddDialog onClose={close} />}
      {open?.kind === 'rename' && <RenameDialog passkey={open.passkey} onClose={close} />}
      {open?.kind === 'remove' && <RemoveDialog passkey={open.passkey} onClose={close} />}
    </section>
  );
}

/** Why not; and the way to a fresh sign-in, where that is what is missing. */
function Failure({ error, text, onClose }: { error?: QueryFailure | undefined; text?: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  if (!error && !text) return null;
  const again = () => {
    onClose();
    dispatch(sessionEnded());
  };
  return (
    <>
      <FieldError text={text ?? messageOf(error, t)} />
      {problemOf(error)?.code === 'recent_sign_in_needed' && <Button onClick={again}>{t('account.stale')}</Button>}
    </>
  );
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const anew = useSessionAnew();
  const [begin] = settingsApi.endpoints.beginPasskey.useMutation();
  const [add] = settingsApi.endpoints.addPasskey.useMutation();
  const [failure, setFailure] = useState<{ error?: QueryFailure; text?: string }>({});
  const run = async (name: string) => {
    const asked = await begin();
    if (asked.error) return setFailure({ error: asked.error });
    const credential = await createPasskey(asked.data.options as PublicKeyCredentialCreationOptionsJSON);
    if (!credential) return setFailure({ text: t('account.passkeys.not') });
    const answer = await add({ passkeyWanted: { name, credential } });
    if (answer.error) return setFailure({ error: answer.error });
    toast('success', t('account.passkeys.added', { name }));
    onClose();
    return anew();
  };
  return (
    <NameDialog title={t('account.passkeys.add')} action={t('action.create')} hint={t('account.passkeys.nameHint')} name="" onClose={onClose} onName={run}>
      <Failure {...failure} onClose={onClose} />
    </NameDialog>
  );
}

function RenameDialog({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const { t } = useTranslation();
  const [rename, { error }] = settingsApi.endpoints.renamePasskey.useMutation();
  const run = async (name: string) => {
    const answer = await rename({ id: passkey.id, passkeyPatch: { name } });
    if (!answer.error) onClose();
  };
  return (
    <NameDialog title={t('account.passkeys.rename')} action={t('action.save')} name={passkey.name} onClose={onClose} onName={run}>
      <Failure error={error} onClose={onClose} />
    </NameDialog>
  );
}

function NameDialog(props: {
  title: string;
  action: string;
  hint?: string;
  name: string;
  onClose: () => void;
  onName: (name: string) => Promise<unknown>;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const [name, setName] = useState(props.name);
  const [missing, setMissing] = useState(false);
  const run = async () => {
    setMissing(!name.trim());
    if (name.trim()) await props.onName(name.trim());
  };
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      foot={
        <>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button look="primary" onClick={run}>
            {props.action}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <Field label={t('account.passkeys.name')} hint={props.hint} error={missing ? t('signIn.required') : undefined}>
          <input className="input" value={name} maxLength={100} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
        {props.children}
      </form>
    </Dialog>
  );
}

function RemoveDialog({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [remove, { error }] = settingsApi.endpoints.removePasskey.useMutation();
  const run = async () => {
    const answer = await remove({ id: passkey.id });
    if (answer.error) return;
    toast('success', t('account.passkeys.removed', { name: passkey.name }));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t('account.passkeys.remove.title', { name: passkey.name })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" onClick={run}>
            {t('account.passkeys.remove')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{t('account.passkeys.remove.text')}</p>
        <Failure error={error} onClose={onClose} />
      </div>
    </Dialog>
  );
}
