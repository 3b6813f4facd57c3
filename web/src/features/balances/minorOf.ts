import { decimalsOf } from '../../shared/lib/format';

/** An amount somebody typed, with a point or a comma, in minor units; undefined if it is none, or has more decimals than its currency. */
export function minorOf(text: string, currency: string): number | undefined {
  const [, whole = '', fraction = ''] = /^(\d{1,13})(?:[.,](\d+))?$/.exec(text.trim()) ?? [];
  const decimals = decimalsOf(currency);
  const minor = Number(whole + fraction.padEnd(decimals, '0'));
  return whole && fraction.length <= decimals && Number.isSafeInteger(minor) && minor > 0 ? minor : undefined;
}
