/** The directory descriptors of the *at calls. */
import { EBADF, ENOTDIR } from '../../sentry/abi/errno.ts';
import { AT_FDCWD } from '../../sentry/abi/fcntl.ts';
import { pathOfFile } from '../../sentry/fs/proc/object-path.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { Path } from '../../sentry/vfs/path.ts';

/** Where a walk of `name` starts: null for the working directory (or an absolute name), -EBADF, -ENOTDIR. */
export function startAt(t: Task, fd: number, name: string): Path | null | number {
  // An absolute path makes the descriptor irrelevant, even a bad one.
  if (fd === AT_FDCWD || name.charCodeAt(0) === 0x2f) return null;
  const file = t.files.get(fd);
  if (file === null) return -EBADF;
  if (file.path !== null) return file.path;
  // A pipe or socket is a place only for itself (AT_EMPTY_PATH).
  return name === '' ? pathOfFile(file) : -ENOTDIR;
}
