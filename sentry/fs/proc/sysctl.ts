/** /proc/sys: the table's values, and the few that the kernel itself keeps. */
import { CAP_LAST_CAP, CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EINVAL, ENOENT, EPERM } from '../../abi/errno.ts';
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from '../../abi/utsname.ts';
import { CAP_FULL, Credentials } from '../../auth/credentials.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { StaticDirectory } from '../pseudo/directory.ts';
import { SysctlFile } from '../pseudo/file.ts';
import { addInterfaceSettings, isInterfaces } from './sysctl-interfaces.ts';
import { ipcSysctls } from './sysctl-ipc.ts';
import { memoryBytes } from './context.ts';
import type { ProcContext } from './context.ts';
import { SYSCTL_ROWS } from './sysctl-table.ts';
import { parseInteger } from './task-files.ts';

/** On whose behalf the container's configuration is applied. */
const CONFIGURATION = new Credentials({ effective: CAP_FULL });
/** __NEW_UTS_LEN */
const UTS_MAX = 64;

/** Takes a new value: 0 or a negated errno. */
type Set = (text: string, creds: Credentials) => number;

/** Sysctls that are not rows: path, what they say, and what setting them does. */
export interface Live {
  readonly path: string;
  readonly show: () => string;
  readonly set?: Set;
}

const NET = 'net/';

/** Does the sysctl belong to the network's namespace, and not to unix sockets, which are always this kernel's? */
function isNetworks(path: string): boolean {
  return path.startsWith(NET) && !path.startsWith('net/unix/');
}

export class Sysctls {
  readonly root: StaticDirectory;
  private readonly proc: ProcContext;
  /** Row values by path. */
  private readonly values = new Map<string, string>();
  private readonly setters = new Map<string, Set>();

  constructor(proc: ProcContext) {
    this.proc = proc;
    this.root = new StaticDirectory(proc.fs);
    const { sysctl, interfaces } = proc.options.net;
    const dynamic = sysctl !== undefined && interfaces !== undefined;
    if (dynamic) addInterfaceSettings(proc.fs, this.root, { sysctl, interfaces });
    const net = new Map((proc.options.net.sysctls ?? []).map((live) => [live.path, live]));
    for (const row of SYSCTL_ROWS) {
      if (dynamic && isInterfaces(row.path)) continue;
      const live = net.get(row.path);
      if (live !== undefined) {
        this.add(row.path, 0o644, () => `${live.show()}\n`, live.set);
        continue;
      }
      if (sysctl !== undefined && isNetworks(row.path)) {
        this.addNetworks(row.path, sysctl);
        continue;
      }
      this.values.set(row.path, row.value);
      this.add(
        row.path,
        row.settable ? 0o644 : 0o444,
        () => `${this.values.get(row.path)!}\n`,
        (text) => this.record(row.path, text),
      );
    }
    for (const { path, show, set } of this.live(proc)) {
      this.add(path, set === undefined ? 0o444 : 0o644, () => `${show()}\n`, set ?? (() => -EPERM));
    }
    this.root.directory('fs').directory('binfmt_misc');
  }

  /** The value of a row, e.g. 'net/core/somaxconn'; undefined when there is none. */
  get(path: string): string | undefined {
    return this.values.get(path);
  }

  /** Sets by the dotted name of linux.sysctl, whatever the file's mode: for the container's configuration. */
  set(name: string, value: string): number {
    const path = name.includes('/') ? name : name.replaceAll('.', '/');
    const set = this.setters.get(path);
    // The launcher has set those of the host's network namespace.
    if (this.proc.options.net.sysctl !== undefined && isNetworks(path)) return 0;
    return set === undefined ? -ENOENT : set(value, CONFIGURATION);
  }

  /** A sysctl that the network keeps; what it doesn't have is in no directory of Linux either, but ours are fixed. */
  private addNetworks(path: string, sysctl: (path: string) => string | null): void {
    this.add(
      path,
      0o644,
      () => sysctl(path.slice(NET.length)) ?? '',
      () => -EPERM,
    );
  }

  private add(path: string, mode: number, show: () => string, set: Set): void {
    const names = path.split('/');
    const name = names.pop()!;
    let dir = this.root;
    for (const part of names) dir = dir.directory(part);
    this.setters.set(path, set);
    dir.add(name, new SysctlFile(this.proc.fs, mode, show, (text, ctx) => set(text, ctx.creds)));
  }

  /** Numbers stay numbers and keep their count; other values are one line of text. */
  private record(path: string, text: string): number {
    const old = this.values.get(path)!;
    const line = text.split('\n', 1)[0]!.trim();
    const fields = line.split(/\s+/);
    if (/^[-\d\s]+$/.test(old)) {
      const count = old.split(/\s+/).length;
      if (fields.length > count || !fields.every((f) => /^-?\d+$/.test(f))) return -EINVAL;
      const rest = old.split(/\s+/).slice(fields.length);
      this.values.set(path, [...fields, ...rest].join('\t'));
      return 0;
    }
    this.values.set(path, line);
    return 0;
  }

  private live({ kernel, ns, options }: ProcContext): Live[] {
    const { pid, uts, cgroup, ipc } = ns;
    const memory = memoryBytes(kernel, cgroup);
    const bootId = makeUuid(kernel);
    return [
      ...ipcSysctls(ipc),
      { path: 'fs/file-max', show: () => '9223372036854775807' },
      { path: 'fs/file-nr', show: () => `${openFiles(kernel)}\t0\t9223372036854775807` },
      { path: 'kernel/arch', show: () => kernel.options.machine },
      { path: 'kernel/cap_last_cap', show: () => String(CAP_LAST_CAP) },
      {
        path: 'kernel/domainname',
        show: () => uts.domainname,
        set: (text, creds) => setName(text, creds, (name) => (uts.domainname = name)),
      },
      {
        path: 'kernel/hostname',
        show: () => uts.hostname,
        set: (text, creds) => setName(text, creds, (name) => (uts.hostname = name)),
      },
      { path: 'kernel/ns_last_pid', show: () => String(pid.lastPid) },
      { path: 'kernel/osrelease', show: () => UTS_RELEASE },
      { path: 'kernel/ostype', show: () => UTS_SYSNAME },
      { path: 'kernel/version', show: () => UTS_VERSION },
      {
        path: 'kernel/pid_max',
        show: () => String(pid.pidMax),
        set: (text, creds) => {
          if (!creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
          const value = parseInteger(text);
          if (value === null || value < 301 || value > 4194304) return -EINVAL;
          pid.pidMax = value;
          return 0;
        },
      },
      { path: 'kernel/pty/nr', show: () => String(options.ptyCount()) },
      { path: 'kernel/random/boot_id', show: () => bootId },
      { path: 'kernel/random/uuid', show: () => makeUuid(kernel) },
      { path: 'kernel/threads-max', show: () => String(Math.max(128, Math.floor(memory / 131072))) },
    ];
  }
}

function setName(text: string, creds: Credentials, store: (name: string) => void): number {
  if (!creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  store(text.split('\n', 1)[0]!.slice(0, UTS_MAX));
  return 0;
}

/** A random (version 4) UUID. */
function makeUuid(kernel: Kernel): string {
  const bytes = Buffer.alloc(16);
  kernel.host.random(bytes, 0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const text = bytes.toString('hex');
  const parts = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)];
  return parts.join('-');
}

function openFiles(kernel: Kernel): number {
  let count = 0;
  const seen = new Set();
  for (const task of kernel.allTasks()) {
    if (seen.has(task.files)) continue;
    seen.add(task.files);
    count += task.files.count;
  }
  return count;
}
