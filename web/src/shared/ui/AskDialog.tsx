import { nanoid } from '@reduxjs/toolkit';
import type { LucideIcon } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import { messageOf, problemOf, type QueryFailure } from '../api/problem';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { FieldError } from './Field';
import { useToast } from './Toasts';

/** Asks before something is done, and does it at most once: what may have happened is asked for again under its key. */
export function AskDialog(props: {
  title: string;
  /** What it is called on the button. */
  action: string;
  icon: LucideIcon;
  /** Danger unless it harms nothing. */
  look?: 'danger' | 'primary';
  /** Does it, under the key it is given. */
  run: (key: string) => Promise<{ error?: QueryFailure }>;
  /** What is wrong with what was entered; nothing is sent then. */
  check?: () => string | undefined;
  /** What is said when it is done. */
  done: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [failure, setFailure] = useState<string>();
  const confirm = async () => {
    const wrong = props.check?.();
    if (wrong) return setFailure(wrong);
    const { error } = await props.run(key.current);
    if (error) {
      // Refused means nothing happened, so the next try is a new one; unreachable may have happened, so it is not.
      if (problemOf(error)) key.current = `web-${nanoid()}`;
      return setFailure(messageOf(error, t));
    }

    toast('success', props.done);
    props.onClose();
  };
  return (
    <Dialog
      alert
      title={props.title}
      onClose={props.onClose}
      foot={
        <>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button look={props.look ?? 'danger'} icon={props.icon} onClick={confirm}>
            {props.action}
          </Button>
        </>
      }
    >
      <div className="stack">
        {props.children}
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
