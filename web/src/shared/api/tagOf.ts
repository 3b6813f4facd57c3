const ticksOfASecond = 10_000_000;
const ticksBefore1970 = BigInt('621355968000000000');

/**
 * The entity tag of a thing that may be deleted and made again under its address: its version, and when it was made in
 * ticks of 100 ns, as the service writes it.
 */
export function tagOf({ version, created_at: at }: { version: number; created_at: string }): string {
  const [whole = at, fraction = ''] = at.replace('Z', '').split('.');
  const seconds = BigInt(Date.parse(`${whole}Z`) / 1000);
  const ticks = seconds * BigInt(ticksOfASecond) + BigInt(fraction.padEnd(7, '0')) + ticksBefore1970;
  return `"${version}-${ticks.toString(16)}"`;
}
