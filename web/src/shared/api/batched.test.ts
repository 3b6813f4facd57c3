import { expect, test } from 'vitest';
import { batched } from './batched';

test('what is asked for at once is one request, of no more than it takes', async () => {
  const asked: string[][] = [];
  const nameOf = batched(async (keys) => {
    asked.push(keys);
    return Object.fromEntries(keys.filter((key) => key !== 'x').map((key) => [key, key.toUpperCase()]));
  }, 3);
  expect(await Promise.all(['a', 'b', 'a', 'x', 'd'].map(nameOf))).toEqual(['A', 'B', 'A', undefined, 'D']);
  expect(asked).toEqual([['a', 'b', 'x'], ['d']]);
  await nameOf('a');
  expect(asked).toHaveLength(3);
});
