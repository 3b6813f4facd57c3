import { nanoid } from '@reduxjs/toolkit';
import { CircleAlert, CircleCheck, Info, X } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { toastActions, toastSlice, type Toast } from './toastSlice';

const shownFor = { success: 6_000, info: 8_000, failure: 12_000 };
/** Undo has to be found before it goes. */
const shownForAction = 10_000;

/** Shows a message in the corner; with an action, a button. */
export function useToast() {
  const dispatch = useAppDispatch();
  return useCallback(
    (kind: Toast['kind'], text: string, action?: { label: string; run: () => void } | undefined) => {
      const id = nanoid();
      if (action) toastActions.set(id, action.run);
      dispatch(toastSlice.actions.shown({ id, kind, text, ...(action ? { action: action.label } : {}) }));
    },
    [dispatch],
  );
}

/** The region of messages; screen readers hear what comes. */
export function Toasts() {
  const toasts = useAppSelector((state) => state.toasts);
  const { t } = useTranslation();
  return (
    <section className="toasts" aria-label={t('toast.region')} aria-live="polite" aria-relevant="additions">
      {toasts.map((toast) => (
        <OneToast key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function OneToast({ toast }: { toast: Toast }) {
  const dispatch = useAppDispatch();
  const { t } = useTranslation();
  const [held, setHeld] = useState(false);
  const dismiss = useCallback(() => {
    toastActions.delete(toast.id);
    dispatch(toastSlice.actions.dismissed(toast.id));
  }, [dispatch, toast.id]);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(dismiss, toast.action ? shownForAction : shownFor[toast.kind]);
    return () => clearTimeout(timer);
  }, [dismiss, held, toast.action, toast.kind]);
  const Icon = toast.kind === 'failure' ? CircleAlert : toast.kind === 'info' ? Info : CircleCheck;
  return (
    <div
      className={`toast toast--${toast.kind}`}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon className="icon" aria-hidden />
      <span className="grow anywhere">{toast.text}</span>
      {toast.action && (
        <Button
          look="link"
          keys="u"
          onClick={() => {
            toastActions.get(toast.id)?.();
            dismiss();
          }}
        >
          {toast.action}
        </Button>
      )}
      <Button look="quiet" size="small" icon={X} label={t('toast.dismiss')} onClick={dismiss} />
    </div>
  );
}
