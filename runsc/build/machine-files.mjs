// What dist/ holds for this machine only: which node runs it, and what V8 compiled of each bundle. Made by the
// build, and again where a package is installed.
//
// dist/NAME.cache is only an accelerator: V8 refuses one of another version or other flags, and compiles.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** One bundle per process that we start; runsc/build/build.mjs has their sources. */
export const programs = ['runsc', 'sentry', 'gofer'];

export function writeNodePath(dist) {
  writeFileSync(join(dist, 'node-path'), `${process.execPath}\n`);
}

/** What programs commonly ask of a kernel, so that it is compiled: processes, pipes, files, directories, signals. */
const WARM_UP = `
  cd /dev/shm || exit
  for name in a b c; do echo $name >$name; done
  cat a b c | sort -r | grep -v b | wc -l
  ls -lR /etc >list 2>/dev/null; cp list copy; mv copy other; ln -s list link; readlink link
  chmod 600 a; touch a; mkdir d; rmdir d; find . -newer a; rm -f a link; tail -c 100 list; id
  trap : USR1; kill -USR1 $$; sleep 0.01 & wait
  exec sleep 10`;

/**
 * The gofer's holds everything. Those of command line and Sentry come from running a container, where that is possible;
 * else the Sentry's holds everything too, and the command line's what it compiled until it failed.
 */
export function writeCaches(root) {
  for (const name of programs) rmSync(join(root, 'dist', `${name}.cache`), { force: true });
  const directory = mkdtempSync(join(tmpdir(), 'runsc-build-'));
  runContainer(root, directory);
  rmSync(directory, { recursive: true });
  for (const name of programs) {
    const cache = join(root, 'dist', `${name}.cache`);
    const result = existsSync(cache) ? null : makeCache(root, join(root, 'dist', name));
    if (!existsSync(cache)) console.error(`build: warning: no code cache for ${name}: ${result.stderr}`);
  }
}

/** On the host's own files, read-only. */
function runContainer(root, directory) {
  const config = join(directory, 'config.json');
  const output = join(directory, 'sentry');
  const run = (...args) => makeCache(root, join(root, 'dist/runsc'), ...args);
  run('spec', '--bundle', directory);
  if (!existsSync(config)) return;
  const spec = JSON.parse(readFileSync(config, 'utf8'));
  Object.assign(spec.process, { terminal: false, args: ['sh', '-c', WARM_UP] });
  spec.root = { path: '/', readonly: true };
  writeFileSync(config, JSON.stringify(spec));
  const flags = ['--log', '/dev/null', '--root', join(directory, 'root'), '--debug-log', output];
  run(...flags, '--network', 'none', '--ignore-cgroups', 'run', '--bundle', directory, 'runsc-build');
  if (!existsSync(output)) return;
  const cachedData = readFileSync(output);
  const source = readFileSync(join(root, 'dist/sentry.bundle.cjs'), 'latin1');
  if (new Script(source, { cachedData }).cachedDataRejected) return;
  const temporary = join(root, `dist/sentry.cache.${process.pid}`);
  writeFileSync(temporary, cachedData);
  renameSync(temporary, join(root, 'dist/sentry.cache'));
}

function makeCache(root, ...args) {
  const script = join(root, 'runsc/build/code-cache.cjs');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}
