/**
 * Micro-benchmarks of the JavaScript between a post and its reply: slot decoding, path walk, reply. Run with
 * `npm run perf:js`; prints nanoseconds an operation.
 */
import Benchmark from 'benchmark';
import { INPUT_SIZE, SLOT_FIELDS, SLOT_HEADER, SLOT_SIZE } from '../../native/layout/layout.ts';
import { bytes, i32, latin1, setArena, setU64, u32 } from '../../platform/arena.ts';
import type { SystrapSpace } from '../../platform/systrap/space.ts';
import { SystrapThread } from '../../platform/systrap/thread.ts';
import { BootContext } from '../../runsc/boot/boot-context.ts';
import { S_IFDIR, S_IFREG } from '../../sentry/abi/stat.ts';
import { Tmpfs } from '../../sentry/fs/tmpfs/tmpfs.ts';
import { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import { Stat } from '../../sentry/vfs/stat.ts';
import { resolve } from '../../sentry/vfs/walk.ts';

const PATH = '/usr/lib/x86_64-linux-gnu/libc.so.6';
const GUEST_ADDRESS = 0x7ffd12345678;

setArena(new ArrayBuffer(SLOT_SIZE));
// Only the list operations of the platform are reached, by replies.
const space = { filesToClose: [], platform: { list: () => undefined } } as unknown as SystrapSpace;
const thread = new SystrapThread(space, 0, 0);
postPath(PATH);
const args = new Int32Array(12);

const context = makeTree();
const stat = new Stat();
let sink = 0;

const suite = new Benchmark.Suite();
suite
  .add('decode six arguments', () => {
    thread.readArgs(args);
    sink += args[0]!;
  })
  .add('find and decode a path', () => {
    const length = thread.findString(GUEST_ADDRESS);
    sink += latin1(thread.inputOffset, length).length;
  })
  .add('walk a cached path of four components', () => {
    const path = resolve(context, null, PATH, 0);
    sink += typeof path === 'number' ? path : 1;
  })
  .add('walk to a missing name', () => {
    sink += resolve(context, null, '/usr/lib/missing', 0) as number;
  })
  .add('stat an inode', () => {
    const path = resolve(context, null, PATH, 0);
    if (typeof path !== 'number') sink += path.dentry.inode!.stat(stat);
  })
  .add('open a post and reply to it', () => {
    thread.opened();
    thread.replyReturn(0, false);
  })
  .on('cycle', (event: Benchmark.Event) => {
    const { name, hz, stats } = event.target as unknown as Benchmark;
    const ns = (1e9 / (hz ?? 1)).toFixed(0).padStart(6);
    console.log(`${(name ?? '').padEnd(40)} ${ns} ns  ±${(stats?.rme ?? 0).toFixed(1)} %`);
  })
  .on('complete', () => {
    if (sink === -1) console.log('unreachable');
  })
  .run();

/** As the stub leaves it for stat(2): one marshalled string. */
function postPath(path: string): void {
  bytes.latin1Write(`${path}\0`, SLOT_HEADER);
  u32[SLOT_FIELDS.input_count[0] >>> 2] = 1;
  const at = SLOT_FIELDS.inputs[0];
  setU64(at, GUEST_ADDRESS);
  u32[(at + 8) >>> 2] = 0;
  i32[(at + INPUT_SIZE - 4) >>> 2] = path.length;
}

function makeTree(): BootContext {
  const fs = Tmpfs.create('mode=755', 1 << 30);
  if (typeof fs === 'number') throw new Error('tmpfs');
  const mounts = new MountNamespace(fs, 0, 'tmpfs');
  const ctx = new BootContext(mounts.rootPath());
  let dir = fs.root();
  const parts = PATH.slice(1).split('/');
  for (const part of parts.slice(0, -1)) dir = dir.mkdir(part, S_IFDIR | 0o755, ctx) as typeof dir;
  dir.create(parts.at(-1)!, S_IFREG | 0o644, ctx);
  return ctx;
}
