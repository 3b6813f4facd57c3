import { describe, expect, it } from 'vitest';
import { minorOf } from './minorOf';

describe('an amount somebody typed', () => {
  it.each([
    ['12', 'EUR', 1200],
    ['12.5', 'EUR', 1250],
    [' 12,05 ', 'EUR', 1205],
    ['1200', 'JPY', 1200],
    ['0.001', 'KWD', 1],
  ])('%s %s is %d minor units', (text, currency, minor) => expect(minorOf(text, currency)).toBe(minor));

  it.each([
    ['', 'EUR'],
    ['0', 'EUR'],
    ['-1', 'EUR'],
    ['1.005', 'EUR'],
    ['1.5', 'JPY'],
    ['1.000,00', 'EUR'],
    ['12 EUR', 'EUR'],
    ['99999999999999', 'EUR'],
  ])('%s %s is none', (text, currency) => expect(minorOf(text, currency)).toBeUndefined());
});
