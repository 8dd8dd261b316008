/** The root of proc: fixed files, self, and a directory per process; makeProc() builds it all. */
import { EINVAL, ENOENT, EPERM } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { DT_DIR, dtype } from '../../abi/stat.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Namespaces } from '../../kernel/namespaces.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Stat } from '../../vfs/stat.ts';
import { DynamicDirectory, StaticDirectory } from '../pseudo/directory.ts';
import type { DynamicEntry } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import type { Generate } from '../pseudo/file.ts';
import { PseudoFilesystem } from '../pseudo/filesystem.ts';
import { PseudoSymlink } from '../pseudo/symlink.ts';
import { visible } from './access.ts';
import type { ProcContext, ProcOptions } from './context.ts';
import { netDirectory } from './net-tables.ts';
import { Sysctls } from './sysctl.ts';
import * as system from './system-files.ts';
import { TaskDirectory } from './task-directory.ts';

const PROC_SUPER_MAGIC = 0x9fa0;
/** Offsets of processes in listings: after every fixed name. */
const PID_OFFSET = 1000;

class ProcRoot extends DynamicDirectory {
  private readonly proc: ProcContext;
  private readonly fixed = new Map<string, Inode>();
  private readonly tasks = new WeakMap<Task, TaskDirectory>();

  constructor(proc: ProcContext) {
    super(proc.fs);
    this.proc = proc;
  }

  add(name: string, node: Inode): void {
    this.fixed.set(name, node);
  }

  override lookup(name: string, ctx: CallerContext): Inode | number {
    const fixed = this.fixed.get(name);
    if (fixed !== undefined) return fixed;
    if (!/^[1-9]\d{0,9}$/.test(name)) return -ENOENT;
    // Every thread has a directory here; only leaders are listed.
    const task = this.proc.ns.pid.pids.get(Number(name));
    if (task === undefined || !visible(this.proc, ctx, task, 2)) return -ENOENT;
    return this.directoryOf(task);
  }

  override stat(out: Stat): number {
    this.nlink = 2 + this.proc.ns.pid.groups.size;
    return super.stat(out);
  }

  private directoryOf(task: Task): TaskDirectory {
    let dir = this.tasks.get(task);
    if (dir === undefined) {
      dir = new TaskDirectory(this.proc, task, true);
      this.tasks.set(task, dir);
    }
    return dir;
  }

  protected override *listFrom(from: number, ctx: CallerContext): Iterable<DynamicEntry> {
    let offset = FIRST_ENTRY;
    for (const [name, node] of this.fixed) {
      yield { name, ino: node.ino, dtype: dtype(node.mode), offset };
      offset++;
    }
    const ids = [...this.proc.ns.pid.groups.keys()]
      .filter((id) => id >= from - PID_OFFSET)
      .sort((a, b) => a - b);
    for (const id of ids) {
      const leader = this.proc.ns.pid.groups.get(id)?.leader;
      if (leader === undefined || !visible(this.proc, ctx, leader, 2)) continue;
      const { ino } = this.directoryOf(leader);
      yield { name: String(id), ino, dtype: DT_DIR, offset: PID_OFFSET + id };
    }
  }
}

class ProcFilesystem extends PseudoFilesystem {
  options!: ProcOptions;

  override showOptions(): string {
    const { hidepid, gid } = this.options;
    const names = ['', 'noaccess', 'invisible'];
    return [gid === 0 ? '' : `gid=${gid}`, hidepid === 0 ? '' : `hidepid=${names[hidepid] ?? hidepid}`]
      .filter((part) => part !== '')
      .join(',');
  }
}

export interface Proc {
  readonly fs: PseudoFilesystem;
  readonly sysctls: Sysctls;
}

/** A proc filesystem of a container; one per mount with its own hidepid. `dev` is its device number. */
export function makeProc(kernel: Kernel, ns: Namespaces, dev: number, options: ProcOptions): Proc {
  const fs = new ProcFilesystem('proc', dev, PROC_SUPER_MAGIC);
  fs.options = options;
  const proc: ProcContext = { kernel, ns, fs, options, net: netDirectory(fs, options.net) };
  const root = new ProcRoot(proc);
  fs.setRoot(root);
  const file = (name: string, text: Generate, mode = 0o444): void => {
    root.add(name, new GeneratedFile(fs, mode, text));
  };
  const sysctls = new Sysctls(proc);

  /** Who looks in from another pid namespace has no number here. */
  const own = (ctx: CallerContext, text: (task: Task) => string): string | number =>
    (ctx as Task).pidns === ns.pid ? text(ctx as Task) : -ENOENT;
  root.add('self', new PseudoSymlink(fs, (ctx) => own(ctx, (task) => String(task.pid))));
  root.add('thread-self', new PseudoSymlink(fs, (ctx) => own(ctx, (task) => `${task.pid}/task/${task.tid}`)));
  root.add('mounts', new PseudoSymlink(fs, 'self/mounts'));
  root.add('net', new PseudoSymlink(fs, 'self/net'));
  root.add('sys', sysctls.root);
  root.add('sysvipc', sysvipc(fs, ns));
  root.add('pressure', pressure(fs));
  root.add('sysrq-trigger', sysrqTrigger(fs));
  for (const name of ['acpi', 'asound', 'bus', 'driver', 'fs', 'irq', 'scsi', 'tty']) {
    root.add(name, new StaticDirectory(fs));
  }

  file('buddyinfo', () => '');
  file('cgroups', () => '#subsys_name\thierarchy\tnum_cgroups\tenabled\n');
  file('cmdline', () => `${options.cmdline}\n`);
  file('consoles', () => '');
  file('cpuinfo', () => system.cpuinfoText(proc));
  file('crypto', () => '');
  file('devices', () => system.devicesText(proc));
  file('diskstats', () => '');
  file('execdomains', () => '0-0\tLinux           \t[kernel]\n');
  file('filesystems', () => system.FILESYSTEMS);
  file('interrupts', () => interruptsHeader(ns));
  file('iomem', () => '');
  file('ioports', () => '');
  file('kallsyms', () => '');
  file('kcore', () => -EPERM, 0o400);
  file('key-users', () => '');
  file('keys', () => '');
  file('kmsg', () => -EPERM, 0o400);
  file('loadavg', () => system.loadavgText(proc));
  file('locks', () => '');
  file('meminfo', () => system.meminfoText(proc));
  file('misc', () => '');
  file('modules', () => '');
  file('pagetypeinfo', () => '', 0o400);
  file('partitions', () => 'major minor  #blocks  name\n\n');
  file('schedstat', () => `version 17\ntimestamp ${Math.floor(kernel.clock.monotonicNs() / 1e6)}\n`);
  file('slabinfo', () => 'slabinfo - version: 2.1\n', 0o400);
  file('softirqs', () => interruptsHeader(ns));
  file('stat', () => system.statText(proc));
  file('swaps', () => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n');
  file('timer_list', () => 'Timer List Version: v0.10\n', 0o400);
  file('uptime', () => system.uptimeText(proc));
  file('version', () => system.versionText());
  file('vmallocinfo', () => '', 0o400);
  file('vmstat', () => system.vmstatText(proc));
  file('zoneinfo', () => '');
  return { fs, sysctls };
}

function interruptsHeader({ cgroup }: Namespaces): string {
  const cpus = Array.from({ length: cgroup.cpuCount }, (_, cpu) => `CPU${cpu}`.padEnd(11));
  return `${' '.repeat(11)}${cpus.join('')}\n`;
}

function sysvipc(fs: PseudoFilesystem, { ipc }: Namespaces): StaticDirectory {
  const dir = new StaticDirectory(fs);
  const table = (name: string, header: string, lines: () => string): void => {
    dir.add(name, new GeneratedFile(fs, 0o444, () => header + lines()));
  };
  table(
    'msg',
    '       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n',
    () => ipc.msg.text(),
  );
  table('sem', '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n', () =>
    ipc.sem.text(),
  );
  table(
    'shm',
    '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n',
    () => ipc.shm.text(),
  );
  return dir;
}

function pressure(fs: PseudoFilesystem): StaticDirectory {
  const dir = new StaticDirectory(fs);
  for (const name of ['cpu', 'io', 'memory']) {
    dir.add(
      name,
      new GeneratedFile(
        fs,
        0o666,
        () => system.NO_PRESSURE,
        () => -EINVAL,
      ),
    );
  }
  return dir;
}

/** Nothing to trigger in a container. */
function sysrqTrigger(fs: PseudoFilesystem): GeneratedFile {
  return new GeneratedFile(
    fs,
    0o200,
    null,
    () => -EPERM,
    (_flags, ctx) => (ctx.creds.hasCap(CAP_SYS_ADMIN) ? 0 : -EPERM),
  );
}
