import type { MessageKey, Translation } from '../i18n/i18n';

/** Why a partner could not be told, in words: the service says `timeout`, `http_500` or `refused: http_422`. */
export function failureInWords(reason: string, { t }: Pick<Translation, 't'>): string {
  const [, refused] = /^refused: (.*)$/.exec(reason) ?? [];
  if (refused) return t('callOutcome.refused', { cause: failureInWords(refused, { t }) });
  const [, status] = /^http_(\d+)$/.exec(reason) ?? [];
  if (status) return t('callOutcome.http', { status });
  const key = `callOutcome.${reason}`;
  const text = t(key as MessageKey);
  return text === key ? reason : text;
}
