import { zodResolver } from '@hookform/resolvers/zod';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { z } from '../../shared/lib/zod';
import { client, type SignInWanted } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { signedIn } from '../../shared/api/session';
import { useAppDispatch } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Field, FieldError } from '../../shared/ui/Field';

type Way = 'password' | 'key';

const some = z.string().trim().min(1);
const any = z.string();
const wanted = {
  password: z.object({ email: some, password: z.string().min(1), code: any, key: any }),
  key: z.object({ email: any, password: any, code: any, key: some }),
};

/** Sign-in by password, with a second factor if one is set up, or by an API key at the first start. */
export function SignIn({ again = false }: { again?: boolean }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const [way, setWay] = useState<Way>('password');
  const [signIn] = client.endpoints.signIn.useMutation();
  const form = useForm({
    resolver: zodResolver(wanted[way]),
    defaultValues: { email: '', password: '', code: '', key: '' },
  });
  const { errors, isSubmitting } = form.formState;

  const submit = form.handleSubmit(async (values) => {
    const credentials: SignInWanted =
      way === 'key'
        ? { api_key: values.key.trim() }
        : {
            realm: 'staff',
            email: values.email.trim(),
            password: values.password,
            ...(values.code.trim() ? { code: values.code.trim() } : {}),
          };
    const answer = await signIn({ signInWanted: credentials });
    if (answer.data) {
      dispatch(signedIn(answer.data));
      if (again) dispatch(client.util.resetApiState());
      return;
    }

    for (const { field, message } of problemOf(answer.error)?.errors ?? []) {
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
      <div className="choice" role="radiogroup" aria-label={t('signIn.title')}>
        {(['password', 'key'] as const).map((option) => (
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
            <span>{t(option === 'password' ? 'signIn.withPassword' : 'signIn.withKey')}</span>
          </label>
        ))}
      </div>
      {way === 'key' ? (
        <Field label={t('signIn.key')} hint={t('signIn.keyHint')} error={message(errors.key)}>
          <input className="input input--mono" type="password" autoComplete="off" {...form.register('key')} />
        </Field>
      ) : (
        <>
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
        {t('signIn.submit')}
      </Button>
    </form>
  );
}
