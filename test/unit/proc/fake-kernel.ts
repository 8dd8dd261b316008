/** A kernel on a host that does nothing: processes exist and can be looked at, none of them runs. */
import { ENOMEM } from '../../../sentry/abi/errno.ts';
import { Credentials, CAP_FULL } from '../../../sentry/auth/credentials.ts';
import { Cgroup } from '../../../sentry/kernel/cgroup.ts';
import { FdTable } from '../../../sentry/kernel/fd-table.ts';
import { FsContext } from '../../../sentry/kernel/fs-context.ts';
import { Kernel } from '../../../sentry/kernel/kernel.ts';
import { IpcNamespace, type Namespaces, UtsNamespace } from '../../../sentry/kernel/namespaces.ts';
import { PidNamespace } from '../../../sentry/kernel/pid-namespace.ts';
import { defaultRlimits } from '../../../sentry/kernel/rlimits.ts';
import { createProcess, enterProcess } from '../../../sentry/kernel/start-process.ts';
import { TASK_BLOCKED } from '../../../sentry/kernel/task.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { AddressSpace } from '../../../sentry/mm/address-space.ts';
import { Vma } from '../../../sentry/mm/vma.ts';
import type { MountNamespace } from '../../../sentry/vfs/mount-namespace.ts';
import type { FileDescription } from '../../../sentry/vfs/file-description.ts';
import { openPath } from '../../../sentry/vfs/open.ts';
import { resolve } from '../../../sentry/vfs/walk.ts';
import type { Platform, PlatformSpace, PlatformThread } from '../../../platform/platform.ts';

const PAGE = 4096;

/** Memory of one process: bytes by address. */
class FakeSpace {
  owner: unknown = null;
  dead = false;
  readonly bytes = new Map<number, number>();

  put(addr: number, text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes.set(addr + i, text.charCodeAt(i));
  }
  read(addr: number, dst: Uint8Array, offset: number, len: number): number {
    for (let i = 0; i < len; i++) dst[offset + i] = this.bytes.get(addr + i) ?? 0;
    return 0;
  }
  write(addr: number, src: Uint8Array, offset: number, len: number): number {
    for (let i = 0; i < len; i++) this.bytes.set(addr + i, src[offset + i]!);
    return 0;
  }
}

export function fakeKernel(cpuCount = 2): Kernel {
  const platform = { name: 'fake', minAddress: 65536, maxAddress: 0x7fff00000000 } as unknown as Platform;
  return new Kernel({
    platform,
    host: {
      monotonicNs: () => 5_000_000_000,
      clockGettime: (clock, out) => {
        out[0] = clock === 0 ? 1_700_000_000 : 100;
        out[1] = 250_000_000;
        return 0;
      },
      random: (buf, off, len) => {
        buf.fill(0xab, off, off + len);
        return len;
      },
      sysinfo: (out) => {
        out.set([8 << 30, 6 << 30, 0, 0, 100, 65536, 32768, 0, cpuCount]);
        return 0;
      },
    },
    handlers: [],
    machine: 'x86_64',
    cpuCount,
    hostMemoryBytes: 8 * 2 ** 30,
  });
}

export function fakeNamespaces(): Namespaces {
  return {
    pid: new PidNamespace(),
    uts: new UtsNamespace('box', '(none)'),
    ipc: new IpcNamespace(1 << 30),
    cgroup: new Cgroup({ newSpace: () => -ENOMEM }, 0, 1 << 30, 2),
  };
}

export function addProcess(
  kernel: Kernel,
  ns: Namespaces,
  mounts: MountNamespace,
  name: string,
  creds?: Credentials,
): Task {
  const root = mounts.rootPath();
  const limits = defaultRlimits();
  const task = createProcess(kernel, {
    ns,
    creds: creds ?? new Credentials({ permitted: CAP_FULL, effective: CAP_FULL }),
    fs: new FsContext(root, root, 0o022, mounts),
    files: new FdTable(limits),
    limits,
    noNewPrivs: false,
    oomScoreAdj: 0,
    name,
  });
  if (typeof task === 'number') throw new Error(`createProcess: ${task}`);
  enterProcess(task);
  const space = new FakeSpace();
  const mm = new AddressSpace(kernel.platform, space as unknown as PlatformSpace);
  mm.put(new Vma(0x10000, 0x10000 + 2 * PAGE, 3, 0xe, null, 0, '[heap]'));
  mm.put(new Vma(0x7ffe00000000, 0x7ffe00000000 + PAGE, 3, 0xe | 0x10, null, 0, '[stack]'));
  space.put(0x7ffe00000100, 'prog\0-x\0A=1\0');
  mm.argStart = 0x7ffe00000100;
  mm.argEnd = mm.envStart = mm.argStart + 8;
  mm.envEnd = mm.envStart + 4;
  task.mm = mm;
  task.state = TASK_BLOCKED;
  task.thread = {
    space,
    cpuTimeNs: () => 1_230_000_000,
    addOp: () => undefined,
    sp: () => 0x1000,
    ip: () => 0x2000,
  } as unknown as PlatformThread;
  return task;
}

/** Opens a path as `task`; a negated errno on failure. */
export function open(task: Task, path: string, flags = 0): FileDescription | number {
  const at = resolve(task, null, path, 0);
  return typeof at === 'number' ? at : openPath(task, at, flags);
}

export function slurp(task: Task, path: string): string {
  const file = open(task, path);
  if (typeof file === 'number') throw new Error(`${path}: ${file}`);
  const buf = Buffer.alloc(65536);
  const n = file.read(buf, 0, buf.length, task);
  if (n < 0) throw new Error(`${path}: read: ${n}`);
  return buf.latin1Slice(0, n);
}

export function list(task: Task, path: string): string[] {
  const dir = open(task, path);
  if (typeof dir === 'number') throw new Error(`${path}: ${dir}`);
  const names: string[] = [];
  const r = dir.readdir({ add: (name) => names.push(name) > 0 }, task);
  if (r < 0) throw new Error(`${path}: readdir: ${r}`);
  return names.slice(2);
}
