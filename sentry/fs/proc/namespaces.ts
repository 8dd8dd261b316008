/** /proc/PID/ns: the one namespace of each kind that the container has (namespaces(7)). */
import { EACCES, ENOTTY } from '../../abi/errno.ts';
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

/** Inode numbers away from Linux's initial ones (4026531834…), so that nothing takes this for the host. */
const TYPES = new Map<string, { ino: number; flag: number }>([
  ['time', { ino: 4026532201, flag: 0x80 }],
  ['cgroup', { ino: 4026532202, flag: 0x2000000 }],
  ['ipc', { ino: 4026532203, flag: 0x8000000 }],
  ['mnt', { ino: 4026532204, flag: 0x20000 }],
  ['net', { ino: 4026532205, flag: 0x40000000 }],
  ['pid', { ino: 4026532206, flag: 0x20000000 }],
  ['user', { ino: 4026532207, flag: 0x10000000 }],
  ['uts', { ino: 4026532208, flag: 0x4000000 }],
]);

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

const places = new Map<string, Path>();

function placeOf(type: string): Path {
  let place = places.get(type);
  if (place === undefined) {
    const { ino, flag } = TYPES.get(type)!;
    place = detachedPath(new NamespaceInode(type, ino, flag));
    places.set(type, place);
  }
  return place;
}

export function namespaceDirectory(proc: ProcContext, task: Task): StaticDirectory {
  const dir = new StaticDirectory(proc.fs, 0o511);
  for (const [name, type] of LINKS) {
    const text = `${type}:[${TYPES.get(type)!.ino}]`;
    dir.add(
      name,
      new PseudoSymlink(
        proc.fs,
        (ctx) => (mayInspect(ctx, task) < 0 ? -EACCES : text),
        (ctx) => (mayInspect(ctx, task) < 0 ? -EACCES : placeOf(type)),
      ),
    );
  }
  return dir;
}
