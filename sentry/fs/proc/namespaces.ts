/** /proc/PID/ns: the namespaces of a container (namespaces(7)). Network, time and users are the same for a whole sandbox. */
import { EACCES, EINVAL, ENOTTY } from '../../abi/errno.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import { AnonFilesystem, AnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { StaticDirectory } from '../pseudo/directory.ts';
import { PseudoSymlink } from '../pseudo/symlink.ts';
import { mayInspect } from './access.ts';
import type { ProcContext } from './context.ts';
import { detachedPath } from './object-path.ts';

const NSFS_MAGIC = 0x6e736673;
const NS_GET_NSTYPE = 0xb703;

/** Link names, the namespace each leads to, and its CLONE_NEW flag. */
const LINKS: readonly (readonly [string, string])[] = [
  ['cgroup', 'cgroup'],
  ['ipc', 'ipc'],
  ['mnt', 'mnt'],
  ['net', 'net'],
  ['pid', 'pid'],
  ['pid_for_children', 'pid'],
  ['time', 'time'],
  ['time_for_children', 'time'],
  ['user', 'user'],
  ['uts', 'uts'],
];

/** CLONE_NEW flags, and which object is a task's namespace of the type; null: the only one. */
const TYPES = new Map<string, { flag: number; of: ((task: Task) => object) | null }>([
  ['time', { flag: 0x80, of: null }],
  ['cgroup', { flag: 0x2000000, of: ({ group }) => group.ns.cgroup }],
  ['ipc', { flag: 0x8000000, of: ({ group }) => group.ns.ipc }],
  ['mnt', { flag: 0x20000, of: ({ fs }) => fs.mountNs as object }],
  ['net', { flag: 0x40000000, of: null }],
  ['pid', { flag: 0x20000000, of: ({ group }) => group.ns.pid }],
  ['user', { flag: 0x10000000, of: null }],
  ['uts', { flag: 0x4000000, of: ({ group }) => group.ns.uts }],
]);

/** Away from Linux's initial ones (4026531834…), so that nothing takes this for the host. */
let nextIno = 4026532201;

const nsfs = new AnonFilesystem('nsfs', 4, NSFS_MAGIC);

/** An open namespace, for setns(2), stat and ioctl_ns(2). */
export class NamespaceFile extends FileDescription {
  readonly type: string;
  readonly flag: number;

  constructor(flags: number, path: Path, inode: NamespaceInode) {
    super(flags, path, inode);
    this.type = inode.type;
    this.flag = inode.flag;
  }
  override name(): string {
    return `${this.type}:[${this.inode!.ino}]`;
  }
  override pread(): number {
    return -EINVAL;
  }
  override ioctl(cmd: number): number {
    return cmd === NS_GET_NSTYPE ? this.flag : -ENOTTY;
  }
}

class NamespaceInode extends AnonInode {
  readonly type: string;
  readonly flag: number;

  constructor(type: string, ino: number, flag: number) {
    super(nsfs, S_IFREG | 0o444, 0, 0);
    this.type = type;
    this.ino = ino;
    this.flag = flag;
  }
  override open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    return new NamespaceFile(flags, path, this);
  }
}

/** By type and by the object that is the namespace. */
const places = new Map<string, WeakMap<object, Path>>([...TYPES.keys()].map((type) => [type, new WeakMap()]));

function placeOf(task: Task, type: string): Path {
  const { flag, of } = TYPES.get(type)!;
  const key = of === null ? TYPES : of(task);
  const known = places.get(type)!;
  let place = known.get(key);
  if (place === undefined) {
    place = detachedPath(new NamespaceInode(type, nextIno++, flag));
    known.set(key, place);
  }
  return place;
}

export function namespaceDirectory(proc: ProcContext, task: Task): StaticDirectory {
  const dir = new StaticDirectory(proc.fs, 0o511);
  for (const [name, type] of LINKS) {
    dir.add(
      name,
      new PseudoSymlink(
        proc.fs,
        (ctx) => (mayInspect(ctx, task) < 0 ? -EACCES : `${type}:[${placeOf(task, type).dentry.inode!.ino}]`),
        (ctx) => (mayInspect(ctx, task) < 0 ? -EACCES : placeOf(task, type)),
      ),
    );
  }
  return dir;
}
