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
  /** May be a promise: until it has settled, further clicks do nothing. */
  onClick?: (event: MouseEvent<HTMLButtonElement>) => unknown;
  children?: ReactNode;
}

/** A button that sends one request however often it is clicked. */
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look = 'plain', size = 'normal', icon: Icon, label, busy, onClick, children, className, disabled, ...rest },
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
      onClick={(event) => void click(event)}
    >
      {busy ? <span className="spinner" role="status" aria-label={t('app.loading')} /> : Icon && <Icon className="icon" aria-hidden />}
      {children}
    </button>
  );
});
