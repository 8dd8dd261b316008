/** A place for files that have none: pipes and sockets, reached through /proc/PID/fd. */
import { S_IFMT } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Dentry, Mount, Path } from '../../vfs/path.ts';
import { Stat } from '../../vfs/stat.ts';
import { PseudoFilesystem } from '../pseudo/filesystem.ts';
import { PseudoInode } from '../pseudo/inode.ts';

const paths = new WeakMap<object, Path>();
const detached = new WeakSet<Mount>();

/** Where a magic link to the file leads. */
export function pathOfFile(file: FileDescription): Path {
  if (file.path !== null) return file.path;
  const key = file.inode ?? file;
  let path = paths.get(key);
  if (path === undefined) {
    path = detachedPath(file.inode ?? new FileInode(file));
    paths.set(key, path);
  }
  return path;
}

/** A path of its own, in no tree. */
export function detachedPath(inode: Inode): Path {
  const dentry = new Dentry('', null, inode);
  // It never leaves the cache that it is not in.
  dentry.refs = 1;
  inode.refs++;
  const mount = new Mount(inode.fs, dentry, 0, 'none');
  detached.add(mount);
  return new Path(mount, dentry);
}

/** True for places that detachedPath made: a file there is shown by its own name. */
export function isDetached(path: Path): boolean {
  return detached.has(path.mount);
}

const hostFs = new PseudoFilesystem('anon_inodefs', 15, 0x09041934);

/** Stands for a file without an inode (a descriptor given by the host): opening it again gives the same description. */
class FileInode extends PseudoInode {
  private readonly file: FileDescription;

  constructor(file: FileDescription) {
    super(hostFs, 0o600);
    this.file = file;
    const stat = new Stat();
    if (file.stat(stat) >= 0) {
      this.mode = stat.mode | (0o600 & ~S_IFMT);
      this.rdev = stat.rdev;
      this.uid = stat.uid;
      this.gid = stat.gid;
    }
  }

  override stat(out: Stat): number {
    return this.file.stat(out);
  }

  override open(_path: Path, _flags: number, _ctx: CallerContext): FileDescription | number {
    return this.file;
  }
}
