// The pieces of the Sentry's hot path by themselves: `npx tsx perf/js/run.ts`.

import Benchmark from 'benchmark';

import { getU64, i32, latin1, setArena } from '../../platform/arena.ts';
import { makeDirectory, makeSymlink } from '../../sentry/vfs/names.ts';
import { resolve } from '../../sentry/vfs/walk.ts';
import { nr, threadOf, World } from '../../test/unit/kernel/world.ts';
import { put, world } from '../../test/unit/vfs/world.ts';

const suite = new Benchmark.Suite();

/** What a post's arguments and a path cost to read. */
function slots(): void {
  const args = new Int32Array(12);
  const path = '/usr/lib/x86_64-linux-gnu/libc.so.6';
  const bytes = new ArrayBuffer(1 << 20);
  suite.add('slot: six arguments', () => {
    for (let i = 0; i < 12; i++) args[i] = i32[64 + i]!;
  });
  suite.add('slot: one 64-bit argument', () => getU64(256));
  suite.add('slot: a path of 35 bytes', () => latin1(4096, path.length));
  suite.on('start', () => {
    setArena(bytes);
    new Uint8Array(bytes, 4096).set(Buffer.from(path));
  });
}

/** Names whose dentries are known, as they are in a program that runs for a while. */
function walks(): void {
  const { t } = world();
  makeDirectory(t, null, 'usr', 0o755);
  makeDirectory(t, null, 'usr/lib', 0o755);
  makeDirectory(t, null, 'usr/lib/deep', 0o755);
  put(t, 'usr/lib/deep/file', 'text');
  makeSymlink(t, 'usr/lib', null, 'lib');
  suite.add('walk: one component', () => resolve(t, null, 'usr', 0));
  suite.add('walk: four components', () => resolve(t, null, '/usr/lib/deep/file', 0));
  suite.add('walk: through a symlink', () => resolve(t, null, '/lib/deep/file', 0));
  suite.add('walk: a missing name', () => resolve(t, null, '/usr/lib/deep/none', 0));
}

/** From a post to its reply, on the platform of the unit tests. */
function dispatch(): void {
  const { init } = new World();
  const thread = threadOf(init);
  const number = nr('getppid');
  suite.add('dispatch: getppid', () => thread.call(number));
}

slots();
walks();
dispatch();
suite
  .on('cycle', (event: Benchmark.Event) => {
    const { name, stats } = event.target as unknown as Benchmark;
    const time = `${(stats.mean * 1e9).toFixed(1).padStart(9)} ns  ±${stats.rme.toFixed(1)} %`;
    console.log(`${String(name).padEnd(30)} ${time}`);
  })
  .run();
