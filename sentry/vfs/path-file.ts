/** O_PATH descriptions (open(2)): they name a place and do nothing else. */
import { EBADF } from '../abi/errno.ts';
import { FileDescription } from './file-description.ts';
import type { Path } from './path.ts';

export class PathFile extends FileDescription {
  constructor(path: Path, flags: number) {
    super(flags, path, path.dentry.inode);
  }
  override readiness(): number {
    return 0x20; // POLLNVAL
  }
  override fsync(): number {
    return -EBADF;
  }
}
