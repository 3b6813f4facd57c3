import * as Ariakit from '@ariakit/react';
import { X } from 'lucide-react';
import { useId, useRef, type ReactNode } from 'react';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { useFootRoom } from './footRoom';

interface DialogProps {
  title: ReactNode;
  /** Asked before it closes by Escape or a click outside; false keeps it open. */
  onClose: () => void;
  children: ReactNode;
  foot?: ReactNode;
  look?: 'dialog' | 'wide' | 'drawer';
  /** Beside the title. */
  aside?: ReactNode;
  alert?: boolean;
}

/** Messages and their undo stay within reach while a dialog is open. */
const messages = () => document.querySelectorAll('.toasts');

/** A modal that keeps the focus and gives it back; a bottom sheet on phones. */
export function Dialog({ title, onClose, children, foot, look = 'dialog', aside, alert }: DialogProps) {
  const { t } = useTranslation();
  const heading = useId();
  const titleRef = useRef<HTMLHeadingElement>(null);
  return (
    <Ariakit.Dialog
      open
      onClose={(event) => {
        event.preventDefault();
        onClose();
      }}
      unmountOnHide
      getPersistentElements={messages}
      // What is read comes before what can be done; a form says itself where it begins.
      {...(look === 'drawer' ? { initialFocus: titleRef } : {})}
      role={alert ? 'alertdialog' : 'dialog'}
      aria-labelledby={heading}
      backdrop={<div className="scrim" />}
      className={`dialog${look === 'dialog' ? '' : ` dialog--${look}`}`}
    >
      <header className="dialog__head">
        <div className="grow">
          <Ariakit.HeadingLevel level={2}>
            <Ariakit.DialogHeading ref={titleRef} tabIndex={-1} id={heading} className="anywhere dialog__title">
              {title}
            </Ariakit.DialogHeading>
          </Ariakit.HeadingLevel>
        </div>
        {aside}
        <Button look="quiet" size="small" icon={X} label={t('action.close')} onClick={onClose} />
      </header>
      {/* Scrollable regions have to be reachable by keyboard even when nothing in them is. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="dialog__body" tabIndex={0} role="group" aria-labelledby={heading}>
        {children}
      </div>
      {foot && <Foot>{foot}</Foot>}
    </Ariakit.Dialog>
  );
}

function Foot({ children }: { children: ReactNode }) {
  const ref = useFootRoom();
  return (
    <footer className="dialog__foot" ref={ref}>
      {children}
    </footer>
  );
}
