/** The mqueue filesystem (mq_overview(7)): one directory of queues for each ipc namespace. */
import { EINVAL, EISDIR, ENOENT } from '../../abi/errno.ts';
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { FILENT_SIZE, MQUEUE_MAGIC } from '../../abi/mqueue.ts';
import { RLIMIT_MSGQUEUE } from '../../abi/resource.ts';
import { S_IFDIR } from '../../abi/stat.ts';
import type { MqueueTable, PosixQueue } from '../../ipc/mqueue.ts';
import type { IpcNamespace } from '../../kernel/namespaces.ts';
import type { Task } from '../../kernel/task.ts';
import { newAnonymousDev } from '../../vfs/anon-dev.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { DirectoryFile } from '../../vfs/directory-file.ts';
import { EntryList } from '../../vfs/entry-list.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { statfsWithoutBlocks, type Filesystem, type Inode, type StatFs } from '../../vfs/inode.ts';
import { MemoryInode } from '../../vfs/memory-inode.ts';
import { MountNamespace } from '../../vfs/mount-namespace.ts';
import type { Path } from '../../vfs/path.ts';
import { inheritGroup } from '../../vfs/permission.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import { MqueueFile } from './mqueue-file.ts';

/** What mq_open(3) asks for; null: the defaults. */
export interface QueueSize {
  readonly maxMessages: number;
  readonly messageBytes: number;
}

export class MqueueFilesystem implements Filesystem {
  readonly type = 'mqueue';
  readonly noexec = true;
  readonly dev = newAnonymousDev();
  readonly table: MqueueTable;
  /** For the next queue that is made, by the call at hand. */
  asked: QueueSize | null = null;
  private nextIno = 1;
  private readonly top: MqueueDirectory;
  /** Where mq_open(3) looks for names, mounted or not. */
  private readonly internal: MountNamespace;

  constructor(table: MqueueTable) {
    this.table = table;
    this.top = new MqueueDirectory(this);
    this.internal = new MountNamespace(this, 0, 'mqueue');
  }

  root(): Inode {
    return this.top;
  }
  rootPath(): Path {
    return this.internal.rootPath();
  }
  newIno(): number {
    return this.nextIno++;
  }

  statfs(out: StatFs): number {
    return statfsWithoutBlocks(out, MQUEUE_MAGIC);
  }
  sync(): number {
    return 0;
  }
  destroy(): void {
    // lives as long as the namespace
  }
}

const ofNamespace = new WeakMap<IpcNamespace, MqueueFilesystem>();

export function mqueueOf(ipc: IpcNamespace): MqueueFilesystem {
  let fs = ofNamespace.get(ipc);
  if (fs === undefined) ofNamespace.set(ipc, (fs = new MqueueFilesystem(ipc.mqueue)));
  return fs;
}

class MqueueDirectory extends MemoryInode {
  override readonly fs: MqueueFilesystem;
  private readonly entries = new EntryList<MqueueInode>();

  constructor(fs: MqueueFilesystem) {
    super();
    this.fs = fs;
    this.ino = fs.newIno();
    this.mode = S_IFDIR | 0o1777;
    this.nlink = 2;
    this.born();
  }

  /** Names are found through several mounts. */
  override cacheable(): boolean {
    return false;
  }

  override open(path: Path, flags: number): FileDescription | number {
    return new DirectoryFile(path, flags, this, this.entries.lister());
  }

  override lookup(name: string): Inode | number {
    return this.entries.get(name) ?? -ENOENT;
  }

  override create(name: string, mode: number, ctx: CallerContext): Inode | number {
    const { table } = this.fs;
    const task = ctx as Task;
    const queue = table.make(
      this.fs.asked?.maxMessages ?? Math.min(table.msgMax, table.msgDefault),
      this.fs.asked?.messageBytes ?? Math.min(table.msgsizeMax, table.msgsizeDefault),
      ctx.creds.uid,
      task.group.limits.soft[RLIMIT_MSGQUEUE]!,
      ctx.creds.hasCap(CAP_SYS_RESOURCE),
    );
    if (typeof queue === 'number') return queue;
    const inode = new MqueueInode(this.fs, mode, queue, ctx, inheritGroup(this, ctx.creds));
    this.entries.set(name, inode);
    this.modified();
    return inode;
  }

  override unlink(name: string, child: Inode): number {
    this.entries.delete(name);
    this.modified();
    child.nlink = 0;
    if (child.refs === 0) child.forget();
    return 0;
  }

  override truncate(): number {
    return -EISDIR;
  }
}

export class MqueueInode extends MemoryInode {
  override readonly fs: MqueueFilesystem;
  readonly queue: PosixQueue;
  readonly changes = new WaitQueue();
  private destroyed = false;

  constructor(fs: MqueueFilesystem, mode: number, queue: PosixQueue, ctx: CallerContext, gid: number) {
    super();
    this.fs = fs;
    this.ino = fs.newIno();
    this.mode = mode;
    this.uid = ctx.creds.fsuid;
    this.gid = gid;
    this.queue = queue;
    this.born();
  }

  override size(): number {
    return FILENT_SIZE;
  }
  override open(path: Path, flags: number): FileDescription | number {
    return new MqueueFile(path, flags, this);
  }
  override truncate(): number {
    return -EINVAL;
  }

  override forget(): void {
    if (this.nlink > 0 || this.destroyed) return;
    this.destroyed = true;
    this.queue.destroy();
  }
}
