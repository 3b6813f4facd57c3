import { RefreshCw, Sparkles } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useFormContext, useWatch } from 'react-hook-form';
import { messageOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Field } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import type { CouponValues } from './couponForm';
import { couponsApi } from './couponsApi';
import { useFieldMessage } from './CouponFormFields';

const typingPause = 350;
const wellFormed = /^[A-Z0-9_-]{3,20}$/;

/** The code: typed, and asked whether it is free; or made by the generator (A.6). */
export function CodeField({ original }: { original: string | undefined }) {
  const { t } = useTranslation();
  const { register, setError, clearErrors, getFieldState } = useFormContext<CouponValues>();
  const [isOpen, setOpen] = useState(false);
  const [check, checked] = couponsApi.endpoints.checkCode.useLazyQuery();
  const code = useWatch<CouponValues, 'code'>({ name: 'code' });
  const error = useFieldMessage('code');
  useEffect(() => {
    if (!wellFormed.test(code) || code === original) return;
    let isCurrent = true;
    const timer = setTimeout(() => {
      void check({ code }).then(({ data }) => {
        // What was asked about half a code may be answered after the answer about the whole.
        if (!isCurrent) return;
        if (data?.exists) setError('code', { type: 'taken', message: 'rule.code.taken' });
        else if (getFieldState('code').error?.type === 'taken') clearErrors('code');
      });
    }, typingPause);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [code, original, check, setError, clearErrors, getFieldState]);
  const isFree = !error && code !== original && checked.data?.code === code && !checked.data.exists;
  const { onChange, ...rest } = register('code');
  return (
    <div className="stack stack--tight">
      <Field label={t('field.code')} error={error} hint={isFree ? t('form.code.free') : t('field.code.hint')}>
        <input
          className="input input--mono"
          autoComplete="off"
          spellCheck={false}
          maxLength={40}
          data-autofocus
          {...rest}
          onChange={(event) => {
            event.target.value = event.target.value.toUpperCase();
            return onChange(event);
          }}
        />
      </Field>
      <div>
        <Button size="small" icon={Sparkles} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t('generator.title')}
        </Button>
      </div>
      {isOpen && <Generator />}
    </div>
  );
}

function Generator() {
  const { t } = useTranslation();
  const toast = useToast();
  const { setValue } = useFormContext<CouponValues>();
  const [suggest, { isLoading }] = couponsApi.endpoints.suggestCode.useMutation();
  const [shape, setShape] = useState({ prefix: 'SAVE', includeYear: true, includeMonth: false, randomSuffix: true, length: '12' });
  const generate = async () => {
    const answer = await suggest({
      codeShape: { ...shape, prefix: shape.prefix.trim().toUpperCase() || null, length: shape.length ? Number(shape.length) : null },
    });
    if (answer.data) setValue('code', answer.data.code, { shouldDirty: true, shouldValidate: true, shouldTouch: true });
    else toast('failure', messageOf(answer.error, t));
  };
  return (
    <div className="generator">
      <div className="pair">
        <Field label={t('generator.prefix')}>
          <input className="input input--mono" maxLength={16} value={shape.prefix} onChange={(event) => setShape({ ...shape, prefix: event.target.value.toUpperCase() })} />
        </Field>
        <Field label={t('generator.length')}>
          <input className="input" type="number" min={3} max={20} value={shape.length} onChange={(event) => setShape({ ...shape, length: event.target.value })} />
        </Field>
      </div>
      <div className="row">
        {(['includeYear', 'includeMonth', 'randomSuffix'] as const).map((name) => (
          <label className="check" key={name}>
            <input type="checkbox" checked={shape[name]} onChange={(event) => setShape({ ...shape, [name]: event.target.checked })} />
            {t(`generator.${name}`)}
          </label>
        ))}
      </div>
      <Button size="small" icon={RefreshCw} busy={isLoading} onClick={generate}>
        {t('generator.run')}
      </Button>
    </div>
  );
}
