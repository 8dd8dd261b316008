/** Symbolic links, and the inodes that the gofer only names: FIFOs, sockets, devices. */
import { ELOOP, ESTALE } from '../../abi/errno.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { openSpecial } from '../../vfs/special-files.ts';
import { GoferInode } from './inode.ts';

export class GoferSymlink extends GoferInode {
  /** A link's text never changes; null: not fetched yet. */
  target: string | null = null;

  override readlink(_ctx: CallerContext): string | number {
    if (this.target !== null) return this.target;
    if (this.parent === null) return -ESTALE;
    const found = this.fs.fetch(this.parent, this.name);
    if (typeof found === 'number') return found;
    // Another object took the name on the host.
    return this.target ?? -ESTALE;
  }

  open(): number {
    return -ELOOP;
  }
}

export class GoferSpecial extends GoferInode {
  override connectSocket(type: number): number {
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    const r = this.fs.client.connect(directory, this.addressName(), this.hostIno, type);
    return r < 0 ? r : this.fs.client.fd;
  }

  open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    return openSpecial(this, path, flags, ctx);
  }
}
