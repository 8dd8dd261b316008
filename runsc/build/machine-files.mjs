// What dist/ holds for this machine only: which node runs it, and what V8 compiled of each bundle. Made by the
// build, and again where a package is installed.
//
// dist/NAME.cache is only an accelerator: V8 refuses one of another version or other flags, and compiles.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One bundle per process that we start; runsc/build/build.mjs has their sources. */
export const programs = [
  { name: 'runsc', warmUp: true },
  { name: 'sentry', warmUp: false },
  { name: 'gofer', warmUp: false },
];

export function writeNodePath(dist) {
  writeFileSync(join(dist, 'node-path'), `${process.execPath}\n`);
}

/** With `warmUp` the cache is made by running a command, and holds what that compiled; else everything. */
export function writeCache(root, { name, warmUp }) {
  const stem = join(root, 'dist', name);
  const script = join(root, 'runsc/build/code-cache.cjs');
  const run = (...args) => spawnSync(process.execPath, [script, stem, ...args], { encoding: 'utf8' });
  if (!warmUp) {
    reportCache(stem, run());
    return;
  }
  // A bundle without a rootfs: `run` reads and checks all of the file before it fails.
  const emptyBundle = mkdtempSync(join(tmpdir(), 'runsc-build-'));
  run('spec', '--bundle', emptyBundle);
  const global = ['--log', '/dev/null', '--root', join(emptyBundle, 'root')];
  reportCache(stem, run(...global, 'run', '--bundle', emptyBundle, 'warm-up'));
  rmSync(emptyBundle, { recursive: true });
}

function reportCache(stem, result) {
  if (existsSync(`${stem}.cache`)) return;
  console.error(`build: warning: no code cache for ${stem}: ${result.stderr}`);
}
