import { CircleUserRound, ShieldAlert, Smartphone } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { messageOf } from '../../shared/api/problem';
import { useAppSelector } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { CopyButton } from '../../shared/ui/CopyButton';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { EmptyState, ErrorState, Note, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Passkeys } from './Passkeys';
import { settingsApi } from './settingsApi';
import { useSessionAnew } from './useSessionAnew';

/** One's own account: passkeys, authenticator, recovery codes. */
export function Account() {
  const { t } = useTranslation();
  const session = useAppSelector((state) => state.session.session);
  if (!session?.actor_id.startsWith('person:')) return <EmptyState icon={CircleUserRound} title={t('account.noPerson')} />;
  return (
    <div className="stack">
      {session.second_factor === 'missing' && (
        <Note kind="warn" icon={ShieldAlert}>
          {t('account.missing')}
        </Note>
      )}
      <Passkeys />
      <Authenticator />
    </div>
  );
}

function Authenticator() {
  const { t } = useTranslation();
  const { data, error, refetch } = settingsApi.endpoints.getSecondFactor.useQuery();
  const [open, setOpen] = useState<'setUp' | 'renew' | 'remove'>();
  const close = () => setOpen(undefined);
  return (
    <section className="card" aria-label={t('account.totp')}>
      <div className="card__head">
        <h2>{t('account.totp')}</h2>
        {data && !data.authenticator && (
          <Button icon={Smartphone} onClick={() => setOpen('setUp')}>
            {t('account.totp.setUp')}
          </Button>
        )}
        {data?.authenticator && (
          <div className="row">
            <Button onClick={() => setOpen('renew')}>{t('account.totp.renew')}</Button>
            <Button onClick={() => setOpen('remove')}>{t('account.totp.remove')}</Button>
          </div>
        )}
      </div>
      <div className="card__body">
        {error ? (
          <ErrorState error={error} onRetry={refetch} />
        ) : data ? (
          <p>{data.authenticator ? t('account.totp.on', { count: data.recovery_codes_left }) : t('account.totp.off')}</p>
        ) : (
          <Skeletons lines={1} />
        )}
      </div>
      {open === 'setUp' && <SetUpDialog onClose={close} />}
      {open === 'renew' && <RenewDialog onClose={close} />}
      {open === 'remove' && <RemoveDialog onClose={close} />}
    </section>
  );
}

function SetUpDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [prepare, prepared] = settingsApi.endpoints.prepareAuthenticator.useMutation();
  const [confirm] = settingsApi.endpoints.confirmAuthenticator.useMutation();
  const anew = useSessionAnew();
  const [codes, setCodes] = useState<string[]>();
  if (codes) return <CodesDialog codes={codes} onClose={onClose} />;
  return (
    <CodeDialog
      title={t('account.totp')}
      label={t('account.totp.code')}
      action={t('account.totp.confirm')}
      onClose={onClose}
      onCode={async (code) => {
        const answer = await confirm({ factorConfirmed: { code } });
        if (!answer.data) return messageOf(answer.error, t);
        setCodes(answer.data.recovery_codes);
        await anew();
        return undefined;
      }}
    >
      {prepared.data ? (
        <>
          <div className="stack stack--tight">
            <span className="field__label">{t('account.totp.secret')}</span>
            <div className="row">
              <code className="grow anywhere">{prepared.data.secret}</code>
              <CopyButton text={prepared.data.secret} />
            </div>
          </div>
          <a href={prepared.data.uri}>{t('account.totp.open')}</a>
        </>
      ) : prepared.error ? (
        <FieldError text={messageOf(prepared.error, t)} />
      ) : (
        <Button busy={prepared.isLoading} onClick={() => prepare()}>
          {t('account.totp.setUp')}
        </Button>
      )}
    </CodeDialog>
  );
}

function RenewDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [renew] = settingsApi.endpoints.renewRecoveryCodes.useMutation();
  const [codes, setCodes] = useState<string[]>();
  if (codes) return <CodesDialog codes={codes} onClose={onClose} />;
  return (
    <CodeDialog
      title={t('account.totp.renew')}
      label={t('account.totp.code')}
      action={t('account.totp.renew')}
      onClose={onClose}
      onCode={async (code) => {
        const answer = await renew({ factorConfirmed: { code } });
        setCodes(answer.data?.recovery_codes);
        return answer.data ? undefined : messageOf(answer.error, t);
      }}
    >
      <p>{t('account.totp.renew.text')}</p>
    </CodeDialog>
  );
}

function RemoveDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [remove] = settingsApi.endpoints.removeAuthenticator.useMutation();
  const anew = useSessionAnew();
  return (
    <CodeDialog
      title={t('account.totp.remove')}
      label={t('account.totp.anyCode')}
      action={t('account.totp.remove')}
      danger
      onClose={onClose}
      onCode={async (code) => {
        const answer = await remove({ factorConfirmed: { code } });
        if (answer.error) return messageOf(answer.error, t);
        toast('success', t('account.totp.removed'));
        onClose();
        await anew();
        return undefined;
      }}
    >
      <p>{t('account.totp.remove.text')}</p>
    </CodeDialog>
  );
}

/** Asks for a code and does something with it; what it gives back is why not. */
function CodeDialog(props: {
  title: string;
  label: string;
  action: string;
  danger?: boolean;
  onClose: () => void;
  onCode: (code: string) => Promise<string | undefined>;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const [code, setCode] = useState('');
  const [failure, setFailure] = useState<string>();
  const run = async () => setFailure(code.trim() ? await props.onCode(code.trim()) : t('signIn.required'));
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      foot={
        <>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button look={props.danger ? 'danger' : 'primary'} onClick={run}>
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
        {props.children}
        <Field label={props.label} error={failure}>
          <input
            className="input input--mono"
            name="code"
            autoComplete="one-time-code"
            value={code}
            maxLength={40}
            onChange={(event) => setCode(event.target.value)}
          />
        </Field>
      </form>
    </Dialog>
  );
}

function CodesDialog({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={t('account.codes')}
      onClose={onClose}
      foot={
        <>
          <CopyButton text={codes.join('\n')} />
          <Button look="primary" onClick={onClose}>
            {t('action.close')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Note kind="warn" icon={ShieldAlert}>
          {t('account.codes.text')}
        </Note>
        <ol className="stack stack--tight">
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ol>
      </div>
    </Dialog>
  );
}
