// Builds the app: client, types, bundle, compressed copies; fails when the list page has grown too heavy.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** The most script the list of coupons may load, gzipped. */
const listBudget = 250_000;

function run(program, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root, stdio: 'inherit' });
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}

function filesOf(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesOf(join(directory, entry.name)) : [join(directory, entry.name)],
  );
}

function compress() {
  for (const file of filesOf(dist)) {
    if (!/\.(js|css|html|svg|json)$/.test(file) || statSync(file).size < 600) continue;
    const body = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(body, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
    writeFileSync(`${file}.br`, brotliCompressSync(body, { params }));
  }
}

/** The scripts of the list of coupons: those of every page, and its own. */
function scriptsOfList() {
  const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'));
  const needed = new Set();
  const need = (name) => {
    if (needed.has(name)) return;
    needed.add(name);
    manifest[name].imports?.forEach(need);
  };
  need('index.html');
  const common = needed.size;
  // Named by its module, or by a file of its own when parts that are fetched later share something with it.
  need(Object.keys(manifest).find((name) => manifest[name].name === 'CouponListPage'));
  const files = [...needed].map((name) => manifest[name].file).filter((file) => file.endsWith('.js'));
  return { files, own: files.slice(common) };
}

/** Most visits begin with the list: the browser fetches its own scripts beside those of every page. */
function preload(files) {
  const place = join(dist, 'index.html');
  const links = files.map((file) => `    <link rel="modulepreload" crossorigin href="/app/${file}">\n`).join('');
  writeFileSync(place, readFileSync(place, 'utf8').replace('  </head>', `${links}  </head>`));
}

function weigh(files) {
  const scripts = files.map((file) => join(dist, file));
  const weight = scripts.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  console.log(`list page: ${weight} bytes of script in ${scripts.length} files, gzipped`);
  if (weight > listBudget) throw new Error(`The list page loads ${weight} bytes of script; ${listBudget} are allowed.`);
}

try {
  await run('../scripts/client.mjs');
  await Promise.all([run('typescript/bin/tsc', '--noEmit'), run('vite/bin/vite.js', 'build', '--logLevel', 'warn')]);
  const { files, own } = scriptsOfList();
  preload(own);
  weigh(files);
  compress();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
