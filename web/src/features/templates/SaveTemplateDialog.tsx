import { useState } from 'react';
import { messageOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import type { Coupon } from '../coupons/couponCells';
import { daysOf, fieldsOf } from './template';
import { templatesApi } from './templatesApi';

/** Keeps the values of a coupon under a name, to begin others with. */
export function SaveTemplateDialog({ coupon, onClose }: { coupon: Coupon; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [name, setName] = useState(coupon.internal_name);
  const [failure, setFailure] = useState<string>();
  const [create, { isLoading }] = templatesApi.endpoints.createTemplate.useMutation();
  const save = async () => {
    if (!name.trim() || isLoading) return;
    const answer = await create({ templateWanted: { name: name.trim(), fields: fieldsOf(coupon), valid_days: daysOf(coupon) } });
    if (answer.error) return setFailure(messageOf(answer.error, t));
    toast('success', t('templates.saved', { name: name.trim() }));
    onClose();
  };
  return (
    <Dialog
      title={t('templates.save')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isLoading} disabled={!name.trim()} onClick={save}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field label={t('templates.name')} hint={t('templates.hint')} error={failure}>
          <input className="input" value={name} maxLength={100} data-autofocus onChange={(event) => setName(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
