import { expect, test } from 'vitest';
import { de } from '../i18n/de';
import { translator } from '../i18n/i18n';
import { failureInWords } from './failure';

test('why a partner could not be told is said in words, and in its own where there are none', () => {
  const german = translator('de', de);
  expect(failureInWords('refused: http_422', german)).toBe('Abgelehnt: Antwort mit 422');
  expect(failureInWords('refused: no such voucher', german)).toBe('Abgelehnt: no such voucher');
  expect(failureInWords('timeout', german)).toBe('Keine Antwort zur Zeit');
});
