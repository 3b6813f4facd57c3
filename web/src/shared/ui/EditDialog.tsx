import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState, type ReactNode } from 'react';
import { faultsOf, messageOf, problemOf, type QueryFailure } from '../api/problem';
import { useTranslation } from '../i18n/i18n';
import { FieldError } from './Field';
import { changesOf, wordsOf, type labelOf } from './FormChanges';
import { FormDialog } from './FormDialog';
import { SideBySide } from './SideBySide';
import { useUnsaved } from './Unsaved';

type Answer<R> = PromiseLike<{ data?: R; error?: QueryFailure }>;

interface EditDialogProps<R, V extends object> {
  title: string;
  /** What its button says, where it is neither made nor saved. */
  action?: string;
  /** What is changed; nothing is made without it. */
  stored?: R | undefined;
  valuesOf: (stored: R | undefined) => V;
  label: typeof labelOf;
  /** What is wrong, by field, before anything is sent. */
  check?: (values: V) => Record<string, string>;
  /** Stores it over what is known to be there, under a key of its own. */
  save: (values: V, over: R | undefined, key: string) => Answer<R>;
  /** What is there now, when somebody else was faster. */
  read: (stored: R) => PromiseLike<{ data?: R | undefined }>;
  onSaved: (saved: R, isNew: boolean) => void;
  onClose: () => void;
  children: (form: { values: V; set: (part: Partial<V>) => void; errors: Record<string, string> }) => ReactNode;
}

/** A setting that is made or changed: what is not saved is said, left only after a question, and never overwritten unasked. */
export function EditDialog<R, V extends object>({ title, action, stored, valuesOf, label, check, save, read, onSaved, onClose, children }: EditDialogProps<R, V>) {
  const { t } = useTranslation();
  const key = useRef(`web-${nanoid()}`);
  const [base, setBase] = useState(stored);
  const [theirs, setTheirs] = useState<R>();
  const [begun] = useState(() => valuesOf(stored));
  const [values, setValues] = useState(begun);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const changes = changesOf(begun, values);
  const unsaved = useUnsaved(changes.length > 0, onClose);
  const run = async (over = base) => {
    if (isBusy) return;
    const wrong = check?.(values) ?? {};
    setErrors(wrong);
    setFailure(Object.keys(wrong).length > 0 ? t('error.check') : undefined);
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    const answer = await save(values, over, key.current);
    setBusy(false);
    if (answer.data !== undefined) {
      unsaved.release();
      onSaved(answer.data, !over);
      onClose();
      return;
    }

    const problem = problemOf(answer.error);
    // Refused means nothing happened; unreachable may have happened, so it is asked again under its key.
    if (problem) key.current = `web-${nanoid()}`;
    if (over && problem?.status === 412) {
      const now = await read(over);
      if (now.data !== undefined) return setTheirs(now.data);
    }

    const told = faultsOf(answer.error, t).map(({ field, message }) => [field.replace(/\[.*/, '').replace(/^.*\./, ''), message] as const);
    setErrors(Object.fromEntries(told));
    setFailure(told.length > 0 && told.every(([field]) => field in values) ? t('error.check') : messageOf(answer.error, t));
  };
  const goOn = () => {
    // What is edited on replaces what is stored now, knowingly.
    setBase(theirs);
    setTheirs(undefined);
  };
  return (
    <FormDialog
      title={title}
      changes={changes}
      label={label}
      {...(action ? { action } : {})}
      isNew={!stored}
      isBusy={isBusy}
      onSubmit={() => run()}
      onClose={unsaved.close}
      over={
        <>
          {unsaved.question}
          {theirs !== undefined && (
            <SideBySide
              rows={changesOf(valuesOf(theirs), values).map(({ field, from, to }) => ({ label: label(field, t), mine: wordsOf(to, t), theirs: wordsOf(from, t) }))}
              onClose={goOn}
              onKeepMine={() => {
                goOn();
                return run(theirs);
              }}
              onTakeTheirs={() => {
                unsaved.release();
                onClose();
              }}
            />
          )}
        </>
      }
    >
      {children({ values, set: (part) => setValues((now) => ({ ...now, ...part })), errors })}
      {failure && <FieldError text={failure} />}
    </FormDialog>
  );
}
