/** A kernel with the families of syscalls that concern it on the fake platform, and its init. */
import { ENOMEM } from '../../../sentry/abi/errno.ts';
import { CAP_FULL, Credentials } from '../../../sentry/auth/credentials.ts';
import { Tmpfs } from '../../../sentry/fs/tmpfs/tmpfs.ts';
import { Cgroup } from '../../../sentry/kernel/cgroup.ts';
import { FdTable } from '../../../sentry/kernel/fd-table.ts';
import { FsContext } from '../../../sentry/kernel/fs-context.ts';
import { Kernel } from '../../../sentry/kernel/kernel.ts';
import { IpcNamespace, type Namespaces, UtsNamespace } from '../../../sentry/kernel/namespaces.ts';
import { PidNamespace } from '../../../sentry/kernel/pid-namespace.ts';
import { defaultRlimits } from '../../../sentry/kernel/rlimits.ts';
import { createProcess, startProcess } from '../../../sentry/kernel/start-process.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { AddressSpace } from '../../../sentry/mm/address-space.ts';
import { Vma } from '../../../sentry/mm/vma.ts';
import { MountNamespace } from '../../../sentry/vfs/mount-namespace.ts';
import { identityCalls } from '../../../syscalls/identity/index.ts';
import { processCalls } from '../../../syscalls/process/index.ts';
import { signalCalls } from '../../../syscalls/signal/index.ts';
import { systemCalls } from '../../../syscalls/system/index.ts';
import type { Call } from '../../../syscalls/table/row.ts';
import { timeCalls } from '../../../syscalls/time/index.ts';
import type { FakeThread } from './fake-platform.ts';
import { FakePlatform, MEMORY_SIZE, MEMORY_START } from './fake-platform.ts';

const calls: Readonly<Record<string, Call>> = {
  ...processCalls,
  ...signalCalls,
  ...identityCalls,
  ...timeCalls,
  ...systemCalls,
};

/** Numbers of our own: position in the list of names. */
const names = Object.keys(calls);

export class World {
  readonly platform = new FakePlatform();
  readonly kernel: Kernel;
  readonly ns: Namespaces = makeNamespaces();
  readonly init: Task;
  /** Wait status with which init ended. */
  ended: number | null = null;
  private readonly mounts: MountNamespace;
  /** Monotonic time; moved by advance(). */
  nowNs = 1e9;

  constructor() {
    this.kernel = new Kernel({
      platform: this.platform,
      host: {
        monotonicNs: () => this.nowNs,
        clockGettime: (_clock, out) => {
          out[0] = Math.floor(this.nowNs / 1e9);
          out[1] = this.nowNs % 1e9;
          return 0;
        },
        random: (_buf, _off, len) => len,
        sysinfo: () => 0,
      },
      handlers: names.map((name) => calls[name]!.handler),
      machine: 'x86_64',
      cpuCount: 2,
      hostMemoryBytes: 1 << 30,
    });
    this.platform.events = this.kernel;
    const fs = Tmpfs.create('mode=755', 1 << 30);
    if (typeof fs === 'number') throw new Error(`tmpfs: ${fs}`);
    const mounts = new MountNamespace(fs, 0, 'none');
    this.mounts = mounts;
    this.init = this.addInit(this.ns);
    this.init.group.onEnd = (status) => {
      this.ended = status;
    };
  }

  /** One more process that nobody forked: with namespaces of its own, a container's init. */
  addInit(ns: Namespaces): Task {
    const root = this.mounts.rootPath();
    const limits = defaultRlimits();
    const init = createProcess(this.kernel, {
      ns,
      creds: new Credentials({ permitted: CAP_FULL, effective: CAP_FULL }),
      fs: new FsContext(root, root, 0o022, this.mounts),
      files: new FdTable(limits),
      limits,
      noNewPrivs: false,
      oomScoreAdj: 0,
      name: 'init',
    });
    if (typeof init === 'number') throw new Error(`createProcess: ${init}`);
    const thread = this.platform.newSpace();
    const mm = new AddressSpace(this.platform, thread.space);
    mm.put(new Vma(MEMORY_START, MEMORY_START + MEMORY_SIZE, 3, 0xe, null, 0, '[heap]'));
    startProcess(init, { thread, mm, ip: 0x400000, sp: 0x1f000 }, 'init');
    thread.reply();
    return init;
  }

  advance(ns: number): void {
    this.nowNs += ns;
    this.kernel.step(0);
  }
}

export function makeNamespaces(): Namespaces {
  return {
    pid: new PidNamespace(),
    uts: new UtsNamespace('box', '(none)'),
    ipc: new IpcNamespace(1 << 30),
    cgroup: new Cgroup({ newSpace: () => -ENOMEM }, 0, 0, 2),
  };
}

export function threadOf(task: Task): FakeThread {
  return task.thread as FakeThread;
}

/** Makes a call and gives its result; fails the test if it was not simply answered. */
export function sys(task: Task, name: string, ...args: number[]): number {
  const reply = threadOf(task).call(nr(name), ...args);
  if (reply === null || reply.kind !== 'return') throw new Error(`${name}: ${reply?.kind ?? 'blocked'}`);
  return reply.value;
}

/** Makes a call that has to wait. */
export function block(task: Task, name: string, ...args: number[]): void {
  const reply = threadOf(task).call(nr(name), ...args);
  if (reply !== null) throw new Error(`${name} did not wait: ${reply.kind} ${reply.value}`);
}

export function nr(name: string): number {
  const number = names.indexOf(name);
  if (number < 0) throw new Error(`no call ${name}`);
  return number;
}

/** fork(2) or clone(2): the new task. */
export function clone(parent: Task, flags: number): Task {
  const thread = threadOf(parent);
  const reply = thread.call(nr('clone'), flags);
  if (reply?.child === null || reply === null) throw new Error(`clone: ${reply?.value}`);
  const answer = thread.cloned();
  const child = parent.pidns.pids.get((reply.child.owner as Task).tid)!;
  if (answer !== null && answer.value !== child.tid) throw new Error(`clone returned ${answer.value}`);
  return child;
}

export function fork(parent: Task): Task {
  return clone(parent, 17);
}

/** A call that ends the caller: there is no reply to it but perhaps a farewell. */
export function exit(task: Task, status: number): void {
  threadOf(task).call(nr('exit_group'), status);
}
