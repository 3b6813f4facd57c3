import { useEffect, useState } from 'react';

/**
 * What was chosen, before the address that keeps it has followed: a field shows it at once, and the next key goes on from it.
 */
export function useAhead<T>(value: T) {
  const [chosen, setChosen] = useState(value);
  useEffect(() => setChosen(value), [value]);
  return [chosen, setChosen] as const;
}
