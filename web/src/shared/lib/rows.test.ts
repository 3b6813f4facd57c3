import { expect, test } from 'vitest';
import { before, rows, shareOf, spanOf } from './rows';

test('an address has the filters that are there', () => {
  expect(rows.redemptions({ from: '2026-01-01', coupon_id: 3, campaign_id: null, channel: '' })).toBe('/redemptions?from=2026-01-01&coupon_id=3');
  expect(rows.money({}, 'EUR')).toBe('/redemptions?status=redeemed&currency=EUR');
  expect(rows.redemptions({})).toBe('/redemptions');
});

test('what has no key is asked for as such', () => {
  expect(shareOf('location', '')).toEqual({ without: 'location' });
  expect(shareOf('campaign', 'spring')).toEqual({ campaign_id: 'spring' });
  expect(shareOf('channel', 'web')).toEqual({ channel: 'web' });
});

test('a point begins and ends within its period', () => {
  const days = { from: '2026-01-14', to: '2026-01-28' };
  expect(spanOf('2026-01-12', 'week', days)).toEqual({ from: '2026-01-14', to: '2026-01-18' });
  expect(spanOf('2026-01-26', 'week', days)).toEqual({ from: '2026-01-26', to: '2026-01-28' });
});

test('rows of the expiry pipeline are of the time that was measured', () => {
  const end = '2026-01-14T12:00:00.123456Z';
  expect(before(end, 3_600_000)).toEqual({ from: '2026-01-14T11:00:00.123Z', to: end });
  expect(rows.jobs({ due: 'behind' })).toBe('/expiry?due=behind#jobs');
  expect(rows.minutes({ has_failures: 'true' })).toBe('/expiry/told?show=minutes&has_failures=true');
});
