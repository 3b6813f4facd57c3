import { TriangleAlert } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useBlocker } from 'react-router';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { Dialog } from './Dialog';

interface Unsaved {
  /** Closes the form, after a question if something would be lost. */
  close: () => void;
  /** What was entered is kept elsewhere now, or given up: nothing is asked any more. */
  release: () => void;
  /** The question, where it is to be asked. */
  question: ReactNode;
}

/** Nothing entered goes unasked: not by closing the form, not by leaving the page, not by closing the tab. */
export function useUnsaved(isDirty: boolean, onClose: () => void): Unsaved {
  const { t } = useTranslation();
  const isReleased = useRef(false);
  const [isAsking, setAsking] = useState(false);
  const blocker = useBlocker(({ currentLocation, nextLocation }) => isDirty && !isReleased.current && currentLocation.pathname !== nextLocation.pathname);
  useLeaveWarning(isDirty);
  const isBlocked = blocker.state === 'blocked';
  const keep = () => (isBlocked ? blocker.reset() : setAsking(false));
  const discard = () => {
    isReleased.current = true;
    if (isBlocked) blocker.proceed();
    else onClose();
  };
  return {
    close: () => {
      if (isDirty && !isReleased.current) setAsking(true);
      else onClose();
    },
    release: () => void (isReleased.current = true),
    question: (isAsking || isBlocked) && (
      <Dialog
        alert
        title={t('unsaved.title')}
        onClose={keep}
        foot={
          <>
            <Button onClick={keep}>{t('action.keepEditing')}</Button>
            <Button look="danger" icon={TriangleAlert} onClick={discard}>
              {t('action.discard')}
            </Button>
          </>
        }
      >
        <p>{t('unsaved.text')}</p>
      </Dialog>
    ),
  };
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
