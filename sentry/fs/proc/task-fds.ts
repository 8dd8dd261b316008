/** /proc/PID/{fd,fdinfo}: open descriptors as links and as lines (proc_pid_fd(5), proc_pid_fdinfo(5)). */
import { EACCES, EBADF, ENOENT } from '../../abi/errno.ts';
import { O_CLOEXEC, O_PATH } from '../../abi/fcntl.ts';
import { DT_LNK, DT_REG } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import { TASK_DEAD } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import { showPath } from '../../vfs/path-name.ts';
import { DynamicDirectory } from '../pseudo/directory.ts';
import type { DynamicEntry } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import { PseudoSymlink } from '../pseudo/symlink.ts';
import { mayInspect } from './access.ts';
import type { ProcContext } from './context.ts';
import { isDetached, pathOfFile } from './object-path.ts';

/** Inode numbers of a task's fd links: not stable, as in Linux, but unlike those of other files. */
const FD_INO_BASE = 0x10000000;

abstract class FdDirectory extends DynamicDirectory {
  protected readonly proc: ProcContext;
  protected readonly task: Task;
  private readonly kind: number;
  private readonly nodes = new Map<number, Inode>();

  constructor(proc: ProcContext, task: Task, mode: number, kind: number) {
    super(proc.fs, mode);
    this.proc = proc;
    this.task = task;
    this.kind = kind;
  }

  /** After a change of ids it belongs to root, and still is the process's own (proc_pid_fd(5)). */
  override letsIn(ctx: CallerContext): boolean {
    return (ctx as Task).group === this.task.group;
  }

  protected abstract make(fd: number): Inode;

  protected file(fd: number): FileDescription | null {
    return this.task.state === TASK_DEAD ? null : this.task.files.get(fd);
  }

  override lookup(name: string, ctx: CallerContext): Inode | number {
    if (!/^(0|[1-9]\d{0,9})$/.test(name)) return -ENOENT;
    if (mayInspect(ctx, this.task) < 0) return -EACCES;
    const fd = Number(name);
    const file = this.file(fd);
    if (file === null) {
      this.nodes.delete(fd);
      return -ENOENT;
    }
    let node = this.nodes.get(fd);
    if (node === undefined) {
      node = this.make(fd);
      this.nodes.set(fd, node);
    }
    this.refresh(node, file);
    return node;
  }

  protected refresh(node: Inode, _file: FileDescription): void {
    node.uid = this.task.creds.euid;
    node.gid = this.task.creds.egid;
  }

  private *listDescriptors(from: number): Iterable<DynamicEntry> {
    if (this.task.state === TASK_DEAD) return;
    const { files } = this.task;
    for (let fd = files.nextOpen(Math.max(0, from - FIRST_ENTRY)); fd >= 0; fd = files.nextOpen(fd + 1)) {
      yield { name: String(fd), ino: FD_INO_BASE + fd, dtype: this.kind, offset: FIRST_ENTRY + fd };
    }
  }

  protected override listFrom(from: number, ctx: CallerContext): Iterable<DynamicEntry> | number {
    return mayInspect(ctx, this.task) < 0 ? -EACCES : this.listDescriptors(from);
  }
}

/** Links whose owner bits tell how the descriptor was opened. */
export class FdLinks extends FdDirectory {
  constructor(proc: ProcContext, task: Task) {
    super(proc, task, 0o500, DT_LNK);
  }

  /** Linux 6.2 and later: the number of open descriptors. */
  override size(): number {
    return this.task.state === TASK_DEAD ? 0 : this.task.files.count;
  }

  protected override make(fd: number): Inode {
    return new PseudoSymlink(
      this.fs,
      (ctx) => {
        const file = this.file(fd);
        if (file === null) return -ENOENT;
        return file.path === null || isDetached(file.path) ? file.name() : showPath(file.path, ctx.root);
      },
      () => {
        const file = this.file(fd);
        return file === null ? -ENOENT : pathOfFile(file);
      },
    );
  }

  protected override refresh(node: Inode, file: FileDescription): void {
    super.refresh(node, file);
    const bits = (file.readable ? 0o500 : 0) | (file.writable ? 0o300 : 0);
    node.mode = (node.mode & ~0o777) | ((file.flags & O_PATH) !== 0 ? 0 : bits);
  }
}

export class FdInfos extends FdDirectory {
  constructor(proc: ProcContext, task: Task) {
    super(proc, task, 0o555, DT_REG);
  }

  protected override make(fd: number): Inode {
    return new GeneratedFile(this.fs, 0o444, () => {
      const file = this.file(fd);
      return file === null ? -EBADF : this.text(fd, file);
    });
  }

  private text(fd: number, file: FileDescription): string {
    const cloexec = this.task.files.cloexec(fd) ? O_CLOEXEC : 0;
    const flags = (file.flags & ~O_CLOEXEC) | cloexec;
    return (
      `pos:\t${file.pos}\nflags:\t0${(flags >>> 0).toString(8)}\n` +
      `mnt_id:\t${file.path?.mount.id ?? 15}\nino:\t${file.inode?.ino ?? 0}\n` +
      (file.fdinfo?.() ?? '')
    );
  }
}
