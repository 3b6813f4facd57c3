import { zodResolver } from '@hookform/resolvers/zod';
import { useMemo, useRef, useState } from 'react';
import { FormProvider, useForm, useWatch, type FieldPath } from 'react-hook-form';
import { faultsOf, messageOf, problemOf, type QueryFailure } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { useToast } from '../../shared/ui/Toasts';
import { useUnsaved } from '../../shared/ui/Unsaved';
import type { Coupon } from './couponCells';
import { couponSchema, newIdempotencyKey, valuesOf, wantedOf, type CouponValues } from './couponForm';
import { CouponFormFields } from './CouponFormFields';
import { couponsApi } from './couponsApi';
import { ConflictDialog } from './ConflictDialog';
import { changesOf } from '../../shared/ui/FormChanges';
import { FormDialog } from '../../shared/ui/FormDialog';
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
  const unsaved = useUnsaved(changes.length > 0, () => onClose(stored?.id));

  const showProblem = (error: QueryFailure) => {
    const problem = problemOf(error);
    let isPlaced = false;
    for (const { field, message } of faultsOf(error, t)) {
      const name = field.replace(/\[\d+\].*$/, '') as FieldPath<CouponValues>;
      if (form.getFieldState(name) && name.split('.')[0] as string in initial) {
        form.setError(name, { type: 'server', message }, { shouldFocus: !isPlaced });
        isPlaced = true;
      }
    }

    if (problem?.code === 'code_taken') form.setError('code', { type: 'server', message: t('rule.code.taken') }, { shouldFocus: true });
    form.setError('root', { message: isPlaced ? t('error.check') : messageOf(error, t) });
  };

  const restore = async (before: Coupon, id: number, version: number) => {
    const answer = await update({ id, 'If-Match': `"${version}"`, couponWantedShape: wantedOf(valuesOf(before), before) });
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('form.restored', { code: before.code }));
  };
  const save = async (entered: CouponValues, base: Coupon | undefined) => {
    const wanted = wantedOf(entered, base);
    const answer = base
      ? await update({ id: base.id, 'If-Match': `"${base.version}"`, couponWantedShape: wanted })
      : await create({ 'Idempotency-Key': key.current, couponWantedShape: wanted });
    if (answer.data) {
      unsaved.release();
      const { code, id, version: saved } = answer.data;
      toast('success', t(base ? 'form.saved' : 'form.created', { code }), base && { label: t('action.undo'), run: () => void restore(base, id, saved) });
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
    (entered) => save(entered, base),
    () => form.setError('root', { message: t('error.check') }),
  );
  const { errors, isSubmitting } = form.formState;
  const hasErrors = Object.keys(errors).some((name) => name !== 'root');

  return (
    <FormProvider {...form}>
      <FormDialog
        look="wide"
        title={stored ? t('form.title.editCode', { code: stored.code }) : t('form.title.create')}
        changes={changes}
        failure={hasErrors || errors.root?.message !== t('error.check') ? errors.root?.message : undefined}
        isNew={!stored}
        isBusy={isSubmitting}
        onSubmit={() => submit()}
        onClose={unsaved.close}
      >
        <RuleSentence />
        <CouponFormFields {...(stored ? { stored } : {})} />
      </FormDialog>
      {unsaved.question}
      {conflict && base && (
        <ConflictDialog
          mine={form.getValues()}
          theirs={conflict}
          onClose={() => setConflict(undefined)}
          onKeepMine={async () => {
            setBase(conflict);
            setConflict(undefined);
            await save(form.getValues(), conflict);
          }}
          onTakeTheirs={() => {
            unsaved.release();
            onClose(base.id);
          }}
        />
      )}
    </FormProvider>
  );
}
