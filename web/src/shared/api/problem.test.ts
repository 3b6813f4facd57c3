import { expect, test } from 'vitest';
import { de } from '../i18n/de';
import { en } from '../i18n/en';
import { translator, type Messages } from '../i18n/i18n';
import { messageOf } from './problem';

const refused = (code: string) => ({ status: 409, data: { code, detail: 'In the words of the service.' } });

test('a refusal is told in the words of the reader, and in those of the service where there are none', () => {
  const german = translator('de', de).t;
  const english = translator('en', en as Messages).t;
  expect(messageOf(refused('already_decided'), german)).toBe('Über diese Anfrage wurde schon entschieden.');
  expect(messageOf(refused('already_decided'), english)).toBe('In the words of the service.');
  expect(messageOf(refused('of_tomorrow'), german)).toBe('In the words of the service.');
});
