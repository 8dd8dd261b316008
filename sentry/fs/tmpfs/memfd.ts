/** memfd_create(2): nameless files of an internal tmpfs, with seals. */
import { ENOMEM } from '../../abi/errno.ts';
import { F_SEAL_EXEC, F_SEAL_SEAL, O_LARGEFILE, O_RDWR } from '../../abi/fcntl.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { namelessDentry, rootDentry } from '../../vfs/dcache.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { Mount, Path } from '../../vfs/path.ts';
import { RegularFile } from '../../vfs/regular-file.ts';
import { TmpfsFile } from './file.ts';
import { Tmpfs } from './tmpfs.ts';

const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;

/** Linux's shm_mnt: a mount that is in no namespace. */
let internal: Mount | null = null;

/** A description open for reading and writing; the caller has checked the flags and the name's length. */
export function createMemfd(ctx: CallerContext, name: string, flags: number): FileDescription | number {
  const mount = (internal ??= internalMount());
  const fs = mount.fs as Tmpfs;
  if (!fs.takeInode()) return -ENOMEM;
  const sealsExec = (flags & MFD_NOEXEC_SEAL) !== 0;
  const inode = new TmpfsFile(fs, sealsExec ? 0o666 : 0o777, ctx.creds.fsuid, ctx.creds.fsgid);
  inode.nlink = 0;
  inode.setMapName(`/memfd:${name} (deleted)`);
  if (sealsExec) inode.setSeals(F_SEAL_EXEC);
  else inode.setSeals((flags & MFD_ALLOW_SEALING) !== 0 ? 0 : F_SEAL_SEAL);
  const dentry = namelessDentry(rootDentry(fs), `memfd:${name}`, inode);
  return new MemfdFile(new Path(mount, dentry), O_RDWR | O_LARGEFILE, inode);
}

/** As made, it does not count as a writer: it can be executed while it is open (fexecve(3)). */
class MemfdFile extends RegularFile {
  override get direct(): boolean {
    return false;
  }

  override release(): void {
    this.kept?.(this.data);
  }
}

/** The next kernel has another store for files. */
export function forgetInternalMount(): void {
  internal = null;
}

function internalMount(): Mount {
  // Bounded by the container's memory, not by a size of its own.
  const fs = Tmpfs.create('size=0,nr_inodes=0', 0) as Tmpfs;
  return new Mount(fs, rootDentry(fs), 0, 'tmpfs');
}
