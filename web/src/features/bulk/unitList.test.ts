import { expect, test } from 'vitest';
import { listOf } from './UnitBulkDialog';

test('a list of bare codes gets the header that the API wants, one with a header stays', () => {
  expect(listOf('SAVE1\nSAVE2')).toBe('code\nSAVE1\nSAVE2');
  expect(listOf('code,order_reference\r\nSAVE1,A')).toBe('code,order_reference\r\nSAVE1,A');
  expect(listOf('"Instance_ID"\n17')).toBe('"Instance_ID"\n17');
});
