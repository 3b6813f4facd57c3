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

test('a refusal keeps its values in the words of the reader', () => {
  const german = translator('de', de).t;
  const field = (code: string, params?: object) => ({ status: 400, data: { code: 'invalid_request', detail: '', errors: [{ field: 'name', code, message: 'In English.', params }] } });
  expect(messageOf(field('too_long', { maximum: 12_000 }), german)).toBe('Höchstens 12.000 Zeichen (name)');
  expect(messageOf(field('too_long'), german)).toBe('Zu lang (name)');
  expect(messageOf(field('unknown_value', { values: ['a', 'b'] }), german)).toBe('Eines von: a, b (name)');
  // Of a service that does not say its values yet.
  expect(messageOf(field('too_many_codes'), german)).toBe('In English. (name)');
});
