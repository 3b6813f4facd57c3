import type { ReactNode } from 'react';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { FieldError } from './Field';
import { FormChanges, type Change, type labelOf } from './FormChanges';

interface FormDialogProps {
  title: string;
  look?: 'dialog' | 'wide';
  /** How its fields are laid out. */
  layout?: 'stack' | 'form-grid';
  /** What is not saved yet. */
  changes: Change[];
  label?: typeof labelOf;
  /** What went wrong with all of it. */
  failure?: string | undefined;
  /** What its button says, where it is neither made nor saved. */
  action?: string;
  /** Made by it, or changed. */
  isNew: boolean;
  isBusy: boolean;
  onBegin?: () => void;
  onSubmit: () => unknown;
  onClose: () => void;
  children: ReactNode;
  /** What is asked over it. */
  over?: ReactNode;
}

/** A form to make or to change something: what is not saved is said, and Enter sends it as its button does. */
export function FormDialog({ title, look = 'dialog', layout = 'stack', changes, label, failure, action, isNew, isBusy, onBegin, onSubmit, onClose, children, over }: FormDialogProps) {
  const { t } = useTranslation();
  return (
    <Dialog
      look={look}
      title={title}
      onClose={onClose}
      foot={
        <>
          <FormChanges changes={changes} {...(label ? { label } : {})} />
          {failure && <FieldError text={failure} />}
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" busy={isBusy} onClick={onSubmit}>
            {action ?? t(isNew ? 'action.create' : 'action.save')}
          </Button>
        </>
      }
    >
      <form
        className={layout}
        noValidate
        onInput={onBegin}
        onSubmit={(event) => {
          event.preventDefault();
          void onSubmit();
        }}
      >
        {children}
        <button type="submit" hidden />
      </form>
      {over}
    </Dialog>
  );
}
