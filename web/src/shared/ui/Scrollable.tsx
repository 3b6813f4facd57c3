import type { ReactNode } from 'react';

type Named = { label: string; labelledBy?: never } | { label?: never; labelledBy: string };

/** What may be wider than the page, most of all tables. It takes the keyboard, as its content may hold nothing that does. */
export function Scrollable({ label, labelledBy, look = '', children }: Named & { look?: string; children: ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={`scroll-x ${look}`.trim()} tabIndex={0} role="group" aria-label={label} aria-labelledby={labelledBy}>
      {children}
    </div>
  );
}
