import { zodResolver } from '@hookform/resolvers/zod';
import { TriangleAlert } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { FormProvider, useForm, useWatch, type FieldPath } from 'react-hook-form';
import { useBlocker } from 'react-router';
import { messageOf, problemOf, type QueryFailure } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { FieldError } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import type { Coupon } from './couponCells';
import { couponSchema, newIdempotencyKey, wantedOf, type CouponValues } from './couponForm';
import { CouponFormFields } from './CouponFormFields';
import { couponsApi } from './couponsApi';
import { ConflictDialog } from './ConflictDialog';
import { changesOf, FormChanges } from './FormChanges';
import { RuleSentence } from './RuleSentence';

interface CouponFormProps {
  initial: CouponValues;
  stored?: Coupon;
  onClose: (openId?: number) => void;
}

/** Create and edit (UI-06): validated while typing, the server's messages at their fields, nothing lost on failure. */
export function CouponFormDialog({ initial: given, stored, onClose }: CouponFormProps) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(newIdempotencyKey());
  const saved = useRef(false);
  // The coupon may change under the form, live; what was opened is what is compared with.
  const [initial] = useState(given);
  const [base, setBase] = useState(stored);
  const [conflict, setConflict] = useState<Coupon>();
  const [create] = couponsApi.endpoints.createCoupon.useMutation();
  const [update] = couponsApi.endpoints.updateCoupon.useMutation();
  const [read] = couponsApi.endpoints.getCoupon.useLazyQuery();
  const form = useForm<CouponValues>({ resolver: zodResolver(couponSchema), defaultValues: initial, mode: 'onTouched' });
  const values = useWatch({ control: form.control }) as CouponValues;
  const changes = useMemo(() => changesOf(initial, values), [initial, values]);
  const isDirty = changes.length > 0;
  const blocker = useBlocker(({ currentLocation, nextLocation }) => isDirty && !saved.current && currentLocation.pathname !== nextLocation.pathname);
  useLeaveWarning(isDirty);

  const showProblem = (error: QueryFailure) => {
    const problem = problemOf(error);
    let isPlaced = false;
    for (const { field, message } of problem?.errors ?? []) {
      const name = field.replace(/\[\d+\].*$/, '') as FieldPath<CouponValues>;
      if (form.getFieldState(name) && name.split('.')[0] as string in initial) {
        form.setError(name, { type: 'server', message }, { shouldFocus: !isPlaced });
        isPlaced = true;
      }
    }

    if (problem?.code === 'code_taken') form.setError('code', { type: 'server', message: t('rule.code.taken') }, { shouldFocus: true });
    form.setError('root', { message: isPlaced ? t('error.check') : messageOf(error, t) });
  };

  const save = async (entered: CouponValues, version: number | undefined) => {
    const wanted = wantedOf(entered, base);
    const answer = base
      ? await update({ id: base.id, 'If-Match': `"${version}"`, couponWantedShape: wanted })
      : await create({ 'Idempotency-Key': key.current, couponWantedShape: wanted });
    if (answer.data) {
      saved.current = true;
      toast('success', t(base ? 'form.saved' : 'form.created', { code: answer.data.code }));
      onClose(answer.data.id);
      return;
    }

    if (base && problemOf(answer.error)?.status === 412) {
      const now = await read({ id: base.id });
      if (now.data) {
        setConflict(now.data);
        return;
      }
    }

    // Another body is another intent; only the very same one may be answered from the key.
    if (!base && problemOf(answer.error)) key.current = newIdempotencyKey();
    showProblem(answer.error as QueryFailure);
  };
  const submit = form.handleSubmit(
    (entered) => save(entered, base?.version),
    () => form.setError('root', { message: t('error.check') }),
  );
  const { errors, isSubmitting } = form.formState;
  const hasErrors = Object.keys(errors).some((name) => name !== 'root');

  return (
    <FormProvider {...form}>
      <Dialog
        look="wide"
        title={stored ? t('form.title.editCode', { code: stored.code }) : t('form.title.create')}
        onClose={() => onClose(stored?.id)}
        foot={
          <>
            <FormChanges changes={changes} />
            {errors.root?.message && (hasErrors || errors.root.message !== t('error.check')) && <FieldError text={errors.root.message} />}
            <Button onClick={() => onClose(stored?.id)}>{t('action.cancel')}</Button>
            <Button look="primary" busy={isSubmitting} onClick={() => submit()}>
              {t(stored ? 'action.save' : 'action.create')}
            </Button>
          </>
        }
      >
        <form
          className="stack"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <RuleSentence />
          <CouponFormFields {...(stored ? { stored } : {})} />
          <button type="submit" hidden />
        </form>
      </Dialog>
      {blocker.state === 'blocked' && (
        <Dialog
          alert
          title={t('unsaved.title')}
          onClose={() => blocker.reset()}
          foot={
            <>
              <Button onClick={() => blocker.reset()}>{t('action.keepEditing')}</Button>
              <Button look="danger" icon={TriangleAlert} onClick={() => blocker.proceed()}>
                {t('action.discard')}
              </Button>
            </>
          }
        >
          <p>{t('unsaved.text')}</p>
        </Dialog>
      )}
      {conflict && base && (
        <ConflictDialog
          mine={form.getValues()}
          theirs={conflict}
          onClose={() => setConflict(undefined)}
          onKeepMine={async () => {
            setBase(conflict);
            setConflict(undefined);
            await save(form.getValues(), conflict.version);
          }}
          onTakeTheirs={() => {
            saved.current = true;
            onClose(base.id);
          }}
        />
      )}
    </FormProvider>
  );
}

/** The browser asks too, when the tab is closed. */
function useLeaveWarning(isDirty: boolean) {
  useEffect(() => {
    if (!isDirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isDirty]);
}
