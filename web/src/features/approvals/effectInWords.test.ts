import { describe, expect, it } from 'vitest';
import { de } from '../../shared/i18n/de';
import { en } from '../../shared/i18n/en';
import { enRest } from '../../shared/i18n/en.rest';
import { translator } from '../../shared/i18n/i18n';
import { effectInWords } from './effectInWords';

const english = translator('en', { ...en, ...enRest });
const german = translator('de', de);
const withdrawal = { account_id: 'a1', customer_id: 'c1', unit: 'EUR', amount: -123456, destination: 'ba_1' };

describe('effectInWords', () => {
  it('says what leaves a balance, whose and where to', () => {
    expect(effectInWords('balance_withdrawal', withdrawal, english)).toBe('Takes €1,234.56 off the balance of customer c1, to be paid out to ba_1.');
    expect(effectInWords('balance_withdrawal', withdrawal, german)).toBe('Nimmt 1.234,56\u00a0€ vom Guthaben des Kunden c1, zur Auszahlung an ba_1.');
  });

  it('says what is put on a balance, in the decimals of its currency', () => {
    const deposit = { account_id: 'a1', customer_id: 'c1', unit: 'JPY', amount: 500, entry: 1 };
    expect(effectInWords('balance_deposit', deposit, english)).toBe('Puts ¥500 on the balance of customer c1.');
  });

  it('keeps the sign of an adjustment, which may be of uses', () => {
    expect(effectInWords('balance_adjustment', { account_id: 'a1', unit: 'EUR', amount: -500 }, english)).toBe('Changes account a1 by -€5.00.');
    expect(effectInWords('balance_adjustment', { account_id: 'a1', unit: 'use', amount: 3 }, english)).toBe('Changes account a1 by 3.');
  });

  it('leaves other kinds, and effects that say no amount, as they are', () => {
    expect(effectInWords('bulk_ending', withdrawal, english)).toBeUndefined();
    expect(effectInWords('balance_withdrawal', null, english)).toBeUndefined();
  });
});
