import type { MessageKey, Translation } from '../../shared/i18n/i18n';
import { formatCount, formatMinor } from '../../shared/lib/format';

const sentences: Record<string, MessageKey> = {
  balance_withdrawal: 'approvalEffect.balance_withdrawal',
  balance_deposit: 'approvalEffect.balance_deposit',
  balance_adjustment: 'approvalEffect.balance_adjustment',
};

/** What a request would do, as a sentence; nothing for kinds whose effect says it well enough by itself. */
export function effectInWords(kind: string, effect: unknown, { t, locale }: Pick<Translation, 't' | 'locale'>): string | undefined {
  const sentence = sentences[kind];
  const { amount, unit, ...others } = (effect ?? {}) as Record<string, unknown>;
  if (!sentence || typeof amount !== 'number' || typeof unit !== 'string') return undefined;
  // A sentence that takes something off says so itself.
  const moved = kind === 'balance_adjustment' ? amount : Math.abs(amount);
  const text = unit === 'use' ? formatCount(moved, locale) : formatMinor({ amount: moved, currency: unit }, locale);
  const name = (member: string) => String(others[member] ?? '–');
  return t(sentence, { amount: text, customer: name('customer_id'), destination: name('destination'), account: name('account_id') });
}
