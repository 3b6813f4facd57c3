import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation } from 'react-router';

/** A part of the page that figures lead to: it is shown, and where the Tab key goes on. */
export function Place({ id, children }: { id: string; children: ReactNode }) {
  const { hash, key } = useLocation();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (hash !== `#${id}`) return;
    place.current?.scrollIntoView();
    place.current?.focus({ preventScroll: true });
  }, [hash, id, key]);
  return (
    <div ref={place} tabIndex={-1} className="stack">
      {children}
    </div>
  );
}
