import type { LucideIcon } from 'lucide-react';
import { forwardRef, useRef, type ButtonHTMLAttributes, type MouseEvent, type ReactNode } from 'react';
import { useTranslation } from '../i18n/i18n';

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'onClick'> {
  look?: 'plain' | 'primary' | 'danger' | 'quiet' | 'link';
  size?: 'normal' | 'small';
  icon?: LucideIcon;
  /** The name of a button that shows its icon only. */
  label?: string;
  busy?: boolean;
  /** The letter that does the same where the button is seen (pageActions). */
  keys?: string;
  /** May be a promise: until it has settled, further clicks do nothing. */
  onClick?: (event: MouseEvent<HTMLButtonElement>) => unknown;
  children?: ReactNode;
}

/** The letter that stands for an action, beside its name. */
export const Key = ({ letter }: { letter: string }) => (
  <kbd className="kbd button__key" aria-hidden>
    {letter.toUpperCase()}
  </kbd>
);

/** A button that sends one request however often it is clicked. */
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look = 'plain', size = 'normal', icon: Icon, label, busy, keys, onClick, children, className, disabled, ...rest },
  ref,
) {
  const { t } = useTranslation();
  const running = useRef(false);
  const click = async (event: MouseEvent<HTMLButtonElement>) => {
    if (running.current || busy) {
      event.preventDefault();
      return;
    }

    running.current = true;
    try {
      await onClick?.(event);
    } finally {
      running.current = false;
    }
  };
  const names = ['button', look !== 'plain' && `button--${look}`, size === 'small' && 'button--small', !children && 'button--icon', className];
  return (
    <button
      ref={ref}
      type="button"
      {...rest}
      aria-label={label ?? rest['aria-label']}
      title={children ? undefined : label}
      className={names.filter(Boolean).join(' ')}
      disabled={disabled}
      aria-disabled={busy || undefined}
      aria-keyshortcuts={keys}
      onClick={(event) => void click(event)}
    >
      {busy ? <span className="spinner" role="status" aria-label={t('app.loading')} /> : Icon && <Icon className="icon" aria-hidden />}
      {children}
      {children && keys && <Key letter={keys} />}
    </button>
  );
});
