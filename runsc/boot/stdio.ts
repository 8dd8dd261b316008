/** Descriptors 0, 1, 2 (and --preserve-fds) of a container's process: its caller's own, or a console. */
import { addon } from '../../native/addon.ts';
import { O_RDWR } from '../../sentry/abi/fcntl.ts';
import { openHostFd } from '../../sentry/fs/host/host-inode.ts';
import type { Console } from '../../sentry/fs/tty/console.ts';
import { openTty } from '../../sentry/fs/tty/tty-file.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { resolve } from '../../sentry/vfs/walk.ts';
import { errnoText } from './errno-text.ts';
import { StartError } from './start-error.ts';

/** Host descriptors, the process's from now on. */
export interface StdioFds {
  /** stdin, stdout, stderr; not used with a console. */
  readonly standard: readonly number[];
  /** From descriptor 3 up. */
  readonly preserved: readonly number[];
  /** Set once the process has them, and they go with it. */
  taken?: boolean;
}

const FIRST_PRESERVED = 3;

/** Throws a StartError when the console can't be opened. */
export function connectStdio(task: Task, fds: StdioFds, console: Console | null): void {
  const { creds, files, kernel } = task;
  fds.taken = true;
  const set = (fd: number, from: number): void => {
    files.set(fd, openHostFd(from, kernel.platform, creds.uid, creds.gid), false);
  };
  for (const [i, from] of fds.preserved.entries()) set(FIRST_PRESERVED + i, from);
  if (console === null) {
    for (const [fd, from] of fds.standard.entries()) set(fd, from);
    return;
  }
  const terminal = openConsole(task, console);
  for (const fd of [0, 1, 2]) files.set(fd, terminal, false);
}

/** Those that no process has got. */
export function closeStdio({ standard, preserved, taken }: StdioFds): void {
  if (taken === true) return;
  for (const fd of [...standard, ...preserved]) if (fd >= 0) addon.close(fd);
}

/** Opened through /dev/pts where it is there, so that ttyname(3) finds it; it becomes the controlling terminal. */
function openConsole(task: Task, { tty, index }: Console): FileDescription {
  const path = resolve(task, null, `/dev/pts/${index}`, 0);
  const known = typeof path !== 'number' && path.dentry.inode?.rdev === tty.rdev ? path : null;
  const file = openTty(tty, O_RDWR, known, known?.dentry.inode ?? null, task);
  if (typeof file === 'number') throw new StartError(`cannot open the console: ${errnoText(file)}`);
  return file;
}
