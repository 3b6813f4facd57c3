import type { ReactNode } from 'react';
import { Link } from 'react-router';

/** A figure that leads to its rows, for whoever may see them (MET-24). */
export function Drill({ to, children }: { to: string | false | null | undefined; children: ReactNode }) {
  return to ? (
    <Link className="quiet-link" to={to}>
      {children}
    </Link>
  ) : (
    <>{children}</>
  );
}
