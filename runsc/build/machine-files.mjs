// What dist/ holds for this machine only: which node runs it, and what V8 compiled of each bundle. Made by the
// build, and again where a package is installed.
//
// dist/NAME.cache is only an accelerator: V8 refuses one of another version or other flags, and compiles.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One bundle per process that we start; runsc/build/build.mjs has their sources. */
export const programs = ['runsc', 'sentry', 'gofer'];

export function writeNodePath(dist) {
  writeFileSync(join(dist, 'node-path'), `${process.execPath}\n`);
}

/**
 * Those of gofer and Sentry hold everything: from what a run had compiled the Sentry started with 1 MiB less, but some of
 * its calls then took twice as long for good (open and close: 2.3 us rather than 1). The command line's comes from
 * planning a container, or, where that fails, from what it compiled until then.
 */
export function writeCaches(root) {
  for (const name of programs) rmSync(join(root, 'dist', `${name}.cache`), { force: true });
  // The images that the command line makes, when there are none, are made with the others' caches.
  for (const name of programs) {
    const result = makeCache(root, join(root, 'dist', name));
    if (result.status !== 0) console.error(`build: warning: no code cache for ${name}: ${result.stderr}`);
  }
  const directory = mkdtempSync(join(tmpdir(), 'runsc-build-'));
  planContainer(root, directory);
  rmSync(directory, { recursive: true });
}

/** On the host's own files, read-only; nothing is started. */
function planContainer(root, directory) {
  const config = join(directory, 'config.json');
  const run = (...args) => makeCache(root, join(root, 'dist/runsc'), ...args);
  run('spec', '--bundle', directory);
  if (!existsSync(config)) return;
  const spec = JSON.parse(readFileSync(config, 'utf8'));
  Object.assign(spec.process, { terminal: false, args: ['true'] });
  spec.root = { path: '/', readonly: true };
  writeFileSync(config, JSON.stringify(spec));
  const flags = [
    '--log',
    '/dev/null',
    '--root',
    join(directory, 'root'),
    '--network',
    'none',
    '--ignore-cgroups',
  ];
  run(...flags, 'run', '--bundle', directory, 'runsc-build');
}

function makeCache(root, ...args) {
  const script = join(root, 'runsc/build/code-cache.cjs');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}
