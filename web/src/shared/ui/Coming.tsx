import { useLayoutEffect } from 'react';
import { keepTyped } from '../lib/typeAhead';

/** Stands where a dialog is still being fetched: what is typed meanwhile goes into the field it begins with. */
export function Coming() {
  useLayoutEffect(keepTyped, []);
  return null;
}
