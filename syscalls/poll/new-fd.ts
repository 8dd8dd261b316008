/** Giving a fresh description its descriptor. */
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';

/** The lowest free descriptor, now referring to `file`, or -EMFILE with the description released. */
export function newFd(t: Task, file: FileDescription, cloexec: boolean): number {
  file.incRef();
  const fd = t.files.alloc(file, 0, cloexec);
  file.decRef();
  return fd;
}
