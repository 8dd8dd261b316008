/** /proc/PID and /proc/PID/task/TID: one table of what they hold, made as it is looked at. */
import { EACCES, EINVAL, ENOENT, EPERM, ESRCH } from '../../abi/errno.ts';
import { DT_DIR, dtype } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { ThreadGroup } from '../../kernel/thread-group.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Stat } from '../../vfs/stat.ts';
import { DynamicDirectory, StaticDirectory } from '../pseudo/directory.ts';
import type { DynamicEntry } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import type { Accept } from '../pseudo/file.ts';
import { PseudoSymlink } from '../pseudo/symlink.ts';
import { mayInspect, visible } from './access.ts';
import type { ProcContext } from './context.ts';
import { MemInode } from './mem-file.ts';
import { loginUidText, sessionIdText, writeLoginUid } from './login-uid.ts';
import { mountinfoText, mountsText, mountstatsText } from './mounts.ts';
import { namespaceDirectory } from './namespaces.ts';
import { FdInfos, FdLinks } from './task-fds.ts';
import * as files from './task-files.ts';
import * as memory from './task-memory.ts';
import { statText, statmText, statusText } from './task-status.ts';

type Make = (dir: TaskDirectory) => Inode;
type TextOf = (task: Task, ctx: CallerContext) => string | Uint8Array | number;

/** A file that anybody may read. */
function open(
  mode: number,
  text: TextOf,
  accept: ((task: Task, text: string, ctx: CallerContext) => number) | null = null,
): Make {
  return (dir) =>
    dir.file(
      mode,
      (ctx) => text(dir.task, ctx),
      accept === null ? null : (s, ctx) => accept(dir.task, s, ctx),
    );
}

/** A file whose content is for those who may inspect the process; checked at open and at each read. */
function guarded(mode: number, text: TextOf): Make {
  return (dir) =>
    new GeneratedFile(
      dir.fs,
      mode,
      (ctx) => (mayInspect(ctx, dir.task) < 0 ? -EACCES : text(dir.task, ctx)),
      null,
      (_flags, ctx) => mayInspect(ctx, dir.task),
    );
}

function link(get: (task: Task) => ReturnType<typeof files.exePath>): Make {
  return (dir) =>
    new PseudoSymlink(
      dir.fs,
      (ctx) => files.linkText(dir.task, get, ctx),
      (ctx) => files.linkTarget(dir.task, get, ctx),
    );
}

const ignoreWrite = (): number => 0;

/** In both kinds of directory. */
const COMMON: readonly (readonly [string, Make])[] = [
  ['fd', (dir) => new FdLinks(dir.proc, dir.task)],
  ['fdinfo', (dir) => new FdInfos(dir.proc, dir.task)],
  ['ns', (dir) => namespaceDirectory(dir.proc, dir.task)],
  ['net', (dir) => dir.proc.net],
  ['environ', guarded(0o400, memory.environBytes)],
  ['auxv', guarded(0o400, memory.auxvBytes)],
  ['status', open(0o444, statusText)],
  ['personality', guarded(0o400, (task) => `${(task.personality >>> 0).toString(16).padStart(8, '0')}\n`)],
  ['limits', open(0o444, files.limitsText)],
  ['sched', open(0o644, files.schedText, ignoreWrite)],
  ['comm', open(0o644, (task) => `${task.name}\n`, files.writeComm)],
  ['syscall', guarded(0o400, files.syscallText)],
  ['cmdline', open(0o444, memory.cmdlineBytes)],
  ['stat', (dir) => dir.file(0o444, (ctx) => statText(dir.task, dir.whole, mayInspect(ctx, dir.task) === 0))],
  ['statm', open(0o444, statmText)],
  ['maps', guarded(0o444, memory.mapsText)],
  ['numa_maps', guarded(0o444, memory.numaMapsText)],
  ['mem', (dir) => new MemInode(dir.proc, dir.task)],
  ['cwd', link(files.cwdPath)],
  ['root', link(files.rootPath)],
  ['exe', link(files.exePath)],
  ['mounts', open(0o444, mountsText)],
  ['mountinfo', open(0o444, mountinfoText)],
  ['clear_refs', open(0o200, () => -EINVAL, ignoreWrite)],
  ['smaps', guarded(0o444, memory.smapsText)],
  ['smaps_rollup', guarded(0o444, memory.smapsRollupText)],
  ['pagemap', guarded(0o400, () => -EPERM)],
  ['wchan', open(0o444, () => '0')],
  ['stack', guarded(0o400, () => -EPERM)],
  ['schedstat', (dir) => dir.file(0o444, () => files.schedstatText(dir.task, dir.whole))],
  ['cpuset', open(0o444, () => '/\n')],
  ['cgroup', (dir) => dir.file(0o444, () => files.cgroupText(dir.proc))],
  ['oom_score', open(0o444, (task) => `${files.oomScore(task)}\n`)],
  ['oom_adj', open(0o644, (task) => `${files.oomAdj(task)}\n`, files.writeOomAdj)],
  ['oom_score_adj', open(0o644, (task) => `${task.group.oomScoreAdj}\n`, files.writeOomScoreAdj)],
  ['loginuid', open(0o644, loginUidText, writeLoginUid)],
  ['sessionid', open(0o444, sessionIdText)],
  ['io', guarded(0o400, files.ioText)],
  [
    'uid_map',
    (dir) =>
      dir.file(
        0o644,
        () => files.idMapText(dir.proc.options.uidMap),
        () => -EPERM,
      ),
  ],
  [
    'gid_map',
    (dir) =>
      dir.file(
        0o644,
        () => files.idMapText(dir.proc.options.gidMap),
        () => -EPERM,
      ),
  ],
  [
    'projid_map',
    open(
      0o644,
      () => files.idMapText(),
      () => -EPERM,
    ),
  ],
  [
    'setgroups',
    open(
      0o644,
      () => 'allow\n',
      () => -EPERM,
    ),
  ],
  ['attr', (dir) => attributes(dir)],
];

/** Only in /proc/PID. */
const GROUP_ONLY: readonly (readonly [string, Make])[] = [
  ['task', (dir) => new ThreadsDirectory(dir.proc, dir.task.group)],
  ['mountstats', guarded(0o400, mountstatsText)],
  ['coredump_filter', open(0o644, () => '00000033\n', ignoreWrite)],
  ['autogroup', open(0o644, () => '/autogroup-1 nice 0\n', ignoreWrite)],
  ['timers', guarded(0o444, () => '')],
  ['timerslack_ns', open(0o666, (task) => `${task.timerSlackNs}\n`, files.writeTimerSlack)],
  [
    'timens_offsets',
    open(
      0o644,
      () => 'monotonic           0         0\nboottime            0         0\n',
      () => -EACCES,
    ),
  ],
];

/** Only in task/TID. */
const THREAD_ONLY: readonly (readonly [string, Make])[] = [['children', open(0o444, files.childrenText)]];

/** Security module attributes: there is no module, so reading fails as Linux without one. */
function attributes(dir: TaskDirectory): StaticDirectory {
  const attr = new StaticDirectory(dir.fs);
  for (const name of ['current', 'prev', 'exec', 'fscreate', 'keycreate', 'sockcreate']) {
    attr.add(
      name,
      new GeneratedFile(
        dir.fs,
        name === 'prev' ? 0o444 : 0o666,
        () => -EINVAL,
        () => -EINVAL,
      ),
    );
  }
  return attr;
}

export class TaskDirectory extends DynamicDirectory {
  readonly proc: ProcContext;
  readonly task: Task;
  /** /proc/PID rather than task/TID. */
  readonly whole: boolean;
  private readonly table: ReadonlyMap<string, Make>;
  private readonly nodes = new Map<string, Inode>();

  constructor(proc: ProcContext, task: Task, whole: boolean) {
    super(proc.fs);
    this.proc = proc;
    this.task = task;
    this.whole = whole;
    this.table = whole ? GROUP_TABLE : THREAD_TABLE;
    this.nlink = whole ? 9 : 7;
    this.timeMs = Date.now();
    this.refresh(this);
  }

  /** The task has been reaped, or the id now belongs to another. */
  get gone(): boolean {
    const { group } = this.task;
    return this.whole ? group.dead : this.task.pidns.pids.get(this.task.tid) !== this.task;
  }

  file(
    mode: number,
    text: (ctx: CallerContext) => string | Uint8Array | number,
    accept: Accept | null = null,
  ): GeneratedFile {
    return new GeneratedFile(this.fs, mode, (ctx) => (this.gone ? -ESRCH : text(ctx)), accept);
  }

  override lookup(name: string, ctx: CallerContext): Inode | number {
    if (this.gone || !visible(this.proc, ctx, this.task, 1)) return this.gone ? -ENOENT : -EPERM;
    let node = this.nodes.get(name);
    if (node === undefined) {
      const make = this.table.get(name);
      if (make === undefined) return -ENOENT;
      node = make(this);
      this.nodes.set(name, node);
    }
    if (name !== 'net') this.refresh(node);
    return node;
  }

  override stat(out: Stat): number {
    this.refresh(this);
    return super.stat(out);
  }

  protected override *listFrom(from: number, ctx: CallerContext): Iterable<DynamicEntry> {
    let offset = FIRST_ENTRY;
    for (const name of this.table.keys()) {
      if (offset >= from) {
        const node = this.lookup(name, ctx);
        if (typeof node !== 'number') yield { name, ino: node.ino, dtype: dtype(node.mode), offset };
      }
      offset++;
    }
  }

  /** Files belong to the task's effective ids while it may be dumped, to root otherwise; 0555 directories always. */
  private refresh(node: Inode): void {
    const { task } = this;
    const own = task.group.dumpable === 1 || (node.mode & 0o170777) === 0o040555;
    node.uid = own ? task.creds.euid : 0;
    node.gid = own ? task.creds.egid : 0;
  }
}

/** /proc/PID/task. */
class ThreadsDirectory extends DynamicDirectory {
  private readonly proc: ProcContext;
  private readonly group: ThreadGroup;
  private readonly nodes = new WeakMap<Task, TaskDirectory>();

  constructor(proc: ProcContext, group: ThreadGroup) {
    super(proc.fs);
    this.proc = proc;
    this.group = group;
  }

  override lookup(name: string): Inode | number {
    const task = this.thread(name);
    if (task === undefined) return -ENOENT;
    let node = this.nodes.get(task);
    if (node === undefined) {
      node = new TaskDirectory(this.proc, task, false);
      this.nodes.set(task, node);
    }
    return node;
  }

  override stat(out: Stat): number {
    this.nlink = 2 + this.members().length;
    return super.stat(out);
  }

  private thread(name: string): Task | undefined {
    if (!/^[1-9]\d*$/.test(name)) return undefined;
    const task = this.group.ns.pid.pids.get(Number(name));
    return task?.group === this.group ? task : undefined;
  }

  /** Live threads, and the leader while it is a zombie. */
  private members(): Task[] {
    const { group } = this;
    const tasks = new Set(group.tasks);
    if (!group.dead) tasks.add(group.leader);
    return [...tasks].sort((a, b) => a.tid - b.tid);
  }

  protected override *listFrom(): Iterable<DynamicEntry> {
    for (const task of this.members()) {
      const node = this.lookup(String(task.tid));
      if (typeof node === 'number') continue;
      yield { name: String(task.tid), ino: node.ino, dtype: DT_DIR, offset: FIRST_ENTRY + task.tid };
    }
  }
}

const GROUP_TABLE = new Map([...COMMON, ...GROUP_ONLY]);
const THREAD_TABLE = new Map([...COMMON, ...THREAD_ONLY]);
