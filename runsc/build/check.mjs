// Runs every static check, all of them even when one fails, and says which failed: `npm run check`.
// With names as arguments it runs only those; with --fix the formatters write instead of complaining.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const fix = process.argv.includes('--fix');
const only = process.argv.slice(2).filter((name) => !name.startsWith('--'));
// Works without npm's PATH too.
const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}` };
const nativeSources = listNativeSources();

const checks = {
  types: ['tsc', '--noEmit', '-p', '.'],
  lint: ['eslint', '--max-warnings', '0', ...(fix ? ['--fix'] : []), '.'],
  format: ['prettier', fix ? '--write' : '--check', '--log-level', 'warn', '.'],
  'clang-format': ['clang-format', ...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...nativeSources],
  layers: ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...layerRoots()],
  'dead-code': ['knip', '--no-progress'],
};

const failures = [];
for (const [name, [command, ...args]] of Object.entries(checks)) {
  if (only.length > 0 && !only.includes(name)) continue;
  if (name === 'clang-format' && nativeSources.length === 0) continue;
  console.log(`check: ${name}`);
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (result.error !== undefined) console.error(`check: cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) failures.push(name);
}
if (failures.length > 0) console.error(`check: failed: ${failures.join(', ')}`);
process.exit(failures.length > 0 ? 1 : 0);

function layerRoots() {
  const folders = ['sentry', 'syscalls', 'platform', 'native', 'gofer', 'runsc', 'test', 'perf'];
  return folders.filter((folder) => existsSync(join(root, folder)));
}

function listNativeSources() {
  return readdirSync(join(root, 'native'), { recursive: true })
    .map((name) => join('native', name))
    .filter((name) => /[.](c|cc|h)$/.test(name) && !/[.]generated[.]h$/.test(name))
    .sort();
}
