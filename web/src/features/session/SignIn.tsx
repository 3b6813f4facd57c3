import { zodResolver } from '@hookform/resolvers/zod';
import { Check, CircleAlert, Fingerprint } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useForm } from 'react-hook-form';
import { z } from '../../shared/lib/zod';
import { client, type SessionView, type SignInWanted } from '../../shared/api/client.generated';
import { faultsOf, messageOf, type QueryFailure } from '../../shared/api/problem';
import { signedIn } from '../../shared/api/session';
import { useAppDispatch } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { canUsePasskeys, signWithPasskey } from '../../shared/lib/passkeys';
import { Button } from '../../shared/ui/Button';
import { Field, FieldError } from '../../shared/ui/Field';
import { Note } from '../../shared/ui/States';

type Way = 'password' | 'invitation' | 'key';
const ways = ['password', 'invitation', 'key'] as const;
const names = { password: 'signIn.withPassword', invitation: 'signIn.withInvitation', key: 'signIn.withKey' } as const;
const realms = ['staff', 'merchant'] as const;

const some = z.string().trim().min(1);
const any = z.string();
const wanted = {
  password: z.object({ email: some, password: z.string().min(1), code: any, key: any }),
  invitation: z.object({ email: any, password: z.string().min(1), code: any, key: some }),
  key: z.object({ email: any, password: any, code: any, key: some }),
};

/** Why a browser came back from an identity provider without a session. */
const outcomes = {
  failed: 'signIn.elsewhere.failed',
  cancelled: 'signIn.elsewhere.cancelled',
  unavailable: 'signIn.elsewhere.unavailable',
} as const;

/** Said once: what the address bar says would else be said again after every reload. */
function useOutcome() {
  const [outcome] = useState(() => new URLSearchParams(window.location.search).get('sign_in'));
  useEffect(() => {
    if (outcome === null) return;
    const address = new URL(window.location.href);
    address.searchParams.delete('sign_in');
    window.history.replaceState(window.history.state, '', address);
  }, [outcome]);
  return outcome && outcome in outcomes ? outcomes[outcome as keyof typeof outcomes] : undefined;
}

/** Sign-in by password, with a second factor if one is set up, or by an API key at the first start. */
export function SignIn({ again = false }: { again?: boolean }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const [way, setWay] = useState<Way>('password');
  const [realm, setRealm] = useState<(typeof realms)[number]>('staff');
  const [signIn] = client.endpoints.signIn.useMutation();
  const [beginPasskey] = client.endpoints.beginPasskeySignIn.useMutation();
  const [finishPasskey] = client.endpoints.finishPasskeySignIn.useMutation();
  const [beginOidc] = client.endpoints.beginOidcSignIn.useMutation();
  const [beginSaml] = client.endpoints.beginSamlSignIn.useMutation();
  const [accept] = client.endpoints.acceptInvitation.useMutation();
  const [isAccepted, setAccepted] = useState(false);
  const outcome = useOutcome();
  const { data: others } = client.endpoints.getSignInWays.useQuery();
  const form = useForm({
    resolver: zodResolver(wanted[way]),
    defaultValues: { email: '', password: '', code: '', key: '' },
  });
  const { errors, isSubmitting } = form.formState;

  const enter = (session: SessionView) => {
    dispatch(signedIn(session));
    if (again) dispatch(client.util.resetApiState());
  };

  const withPasskey = async () => {
    form.clearErrors();
    const asked = await beginPasskey({ passkeySignInBegun: { realm } });
    if (asked.error) return form.setError('root', { message: messageOf(asked.error, t) });
    const credential = await signWithPasskey(asked.data.options as PublicKeyCredentialRequestOptionsJSON);
    if (!credential) return form.setError('root', { message: t('signIn.passkeyNot') });
    const answer = await finishPasskey({ passkeySignInWanted: { credential } });
    return answer.data ? enter(answer.data) : form.setError('root', { message: messageOf(answer.error, t) });
  };

  /** The first time, the invitation links the account there to the one here. */
  const invited = () => {
    const invitation = way === 'invitation' ? form.getValues('key').trim() : '';
    return invitation ? { invitation } : {};
  };

  const elsewhere = async (begun: Promise<{ data?: { redirect_url: string }; error?: QueryFailure }>) => {
    const { data, error } = await begun;
    if (data) window.location.assign(data.redirect_url);
    else form.setError('root', { message: messageOf(error, t) });
  };

  const submit = form.handleSubmit(async (values) => {
    if (way === 'invitation') {
      const set = await accept({ invitationAccepted: { token: values.key.trim(), password: values.password } });
      if (set.error) return form.setError('root', { message: messageOf(set.error, t) });
      form.reset();
      setWay('password');
      return setAccepted(true);
    }

    const credentials: SignInWanted =
      way === 'key'
        ? { api_key: values.key.trim() }
        : {
            realm,
            email: values.email.trim(),
            password: values.password,
            ...(values.code.trim() ? { code: values.code.trim() } : {}),
          };
    const answer = await signIn({ signInWanted: credentials });
    if (answer.data) return enter(answer.data);
    for (const { field, message } of faultsOf(answer.error, t)) {
      const name = field === 'api_key' ? 'key' : field;
      if (name === 'email' || name === 'password' || name === 'code' || name === 'key') form.setError(name, { message });
    }

    form.setError('root', { message: messageOf(answer.error, t) });
  });

  const message = (error?: { message?: string; type?: string }) =>
    error && (error.type === 'too_small' ? t('signIn.required') : error.message);
  return (
    <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
      <div className="stack stack--tight">
        {again ? <h2>{t('signIn.title')}</h2> : <h1>{t('signIn.title')}</h1>}
        {again && <p className="muted">{t('signIn.again')}</p>}
      </div>
      {outcome && (
        <div role="alert">
          <Note kind={outcome === 'signIn.elsewhere.cancelled' ? 'info' : 'warn'} icon={CircleAlert}>
            {t(outcome)}
          </Note>
        </div>
      )}
      <div className="choice" role="radiogroup" aria-label={t('signIn.title')}>
        {ways.map((option) => (
          <label key={option}>
            <input
              type="radio"
              name="way"
              checked={way === option}
              onChange={() => {
                setWay(option);
                form.clearErrors();
              }}
            />
            <span>{t(names[option])}</span>
          </label>
        ))}
      </div>
      {isAccepted && way === 'password' && (
        <div role="status">
          <Note kind="ok" icon={Check}>
            {t('signIn.accepted')}
          </Note>
        </div>
      )}
      {way === 'invitation' ? (
        <>
          <Field label={t('signIn.invitation')} hint={t('signIn.invitationHint')} error={message(errors.key)}>
            <input className="input input--mono" autoComplete="off" {...form.register('key')} />
          </Field>
          <Field label={t('signIn.newPassword')} hint={t('signIn.newPasswordHint')} error={message(errors.password)}>
            <input className="input" type="password" autoComplete="new-password" {...form.register('password')} />
          </Field>
        </>
      ) : way === 'key' ? (
        <Field label={t('signIn.key')} hint={t('signIn.keyHint')} error={message(errors.key)}>
          <input className="input input--mono" type="password" autoComplete="off" {...form.register('key')} />
        </Field>
      ) : (
        <>
          <Field label={t('signIn.realm')}>
            <select className="input" value={realm} onChange={(event) => setRealm(event.target.value as typeof realm)}>
              {realms.map((value) => (
                <option key={value} value={value}>
                  {t(`signIn.realm.${value}`)}
                </option>
              ))}
            </select>
          </Field>
          <Field label={t('signIn.email')} error={message(errors.email)}>
            <input className="input" type="email" autoComplete="username" {...form.register('email')} />
          </Field>
          <Field label={t('signIn.password')} error={message(errors.password)}>
            <input className="input" type="password" autoComplete="current-password" {...form.register('password')} />
          </Field>
          <Field label={t('signIn.code')} hint={t('signIn.codeHint')} error={message(errors.code)}>
            <input className="input input--mono" inputMode="numeric" autoComplete="one-time-code" {...form.register('code')} />
          </Field>
        </>
      )}
      {errors.root?.message && <FieldError text={errors.root.message} />}
      <Button look="primary" type="submit" busy={isSubmitting}>
        {t(way === 'invitation' ? 'signIn.accept' : 'signIn.submit')}
      </Button>
      {way === 'password' && others?.passkey && canUsePasskeys() && (
        <Button icon={Fingerprint} onClick={withPasskey}>
          {t('signIn.withPasskey')}
        </Button>
      )}
      {others?.oidc && <Button onClick={() => elsewhere(beginOidc({ oidcWanted: invited() }))}>{t('signIn.atOidc')}</Button>}
      {others?.saml && <Button onClick={() => elsewhere(beginSaml({ samlWanted: invited() }))}>{t('signIn.atSaml')}</Button>}
    </form>
  );
}
