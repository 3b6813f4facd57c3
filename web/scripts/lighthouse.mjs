// Lighthouse's figures of the list and the dashboard, signed in: npm run lighthouse -- http://127.0.0.1:8080 KEY [runs]
// Not among the dependencies, as only a measurement wants it; npx fetches it. The median of the runs has to reach 95.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [address = 'http://127.0.0.1:8080', key = process.env.TESSERA_KEY, runs = '3'] = process.argv.slice(2);
const wanted = 95;
const answer = await fetch(`${address}/api/v1/session`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ api_key: key }),
});
if (!answer.ok) throw new Error(`The key does not sign in: ${answer.status}`);
const cookie = answer.headers
  .getSetCookie()
  .map((one) => one.split(';')[0])
  .join('; ');
const folder = mkdtempSync(join(tmpdir(), 'lighthouse-'));
const median = (values) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)];
let isGood = true;
for (const page of ['/app/coupons', '/app/coupons/dashboard']) {
  const scores = { performance: [], accessibility: [] };
  for (let run = 0; run < Number(runs); run++) {
    const report = join(folder, 'report.json');
    const { status, stderr } = spawnSync(
      'npx',
      [
        '--yes',
        'lighthouse@12',
        address + page,
        '--preset=desktop',
        '--only-categories=performance,accessibility',
        '--output=json',
        `--output-path=${report}`,
        `--extra-headers=${JSON.stringify({ Cookie: cookie })}`,
        '--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage',
        '--quiet',
      ],
      { env: { CHROME_PATH: '/usr/bin/chromium', ...process.env }, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    const { categories } = JSON.parse(readFileSync(report, 'utf8'));
    for (const name of Object.keys(scores)) scores[name].push(Math.round(categories[name].score * 100));
  }

  for (const [name, values] of Object.entries(scores)) {
    isGood &&= median([...values]) >= wanted;
    console.log(`${page} ${name}: ${median([...values])} (${values.join(', ')})`);
  }
}

rmSync(folder, { recursive: true });
process.exitCode = isGood ? 0 : 1;
