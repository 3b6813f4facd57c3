import { CircleAlert } from 'lucide-react';
import { cloneElement, useId, type ReactElement, type ReactNode } from 'react';

interface Control {
  id?: string;
  'aria-describedby'?: string;
  'aria-invalid'?: boolean;
}

/** A labelled control with its hint and its message. */
export function Field(props: { label: ReactNode; hint?: ReactNode; error?: string | undefined; children: ReactElement<Control>; id?: string }) {
  const made = useId();
  const id = props.id ?? made;
  const hint = props.hint ? `${id}-hint` : undefined;
  const error = props.error ? `${id}-error` : undefined;
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {props.label}
      </label>
      {cloneElement(props.children, {
        id,
        'aria-describedby': [error, hint].filter(Boolean).join(' ') || undefined,
        'aria-invalid': props.error ? true : undefined,
      })}
      {error && <FieldError id={error} text={props.error ?? ''} />}
      {hint && (
        <div className="field__hint" id={hint}>
          {props.hint}
        </div>
      )}
    </div>
  );
}

export function FieldError(props: { id?: string; text: string }) {
  return (
    <div className="field__error" id={props.id} role="alert">
      <CircleAlert className="icon" aria-hidden />
      <span>{props.text}</span>
    </div>
  );
}
