/** Descriptors 0, 1, 2 (and --preserve-fds) of init: the caller's own, or the console. */
import { O_RDWR } from '../../sentry/abi/fcntl.ts';
import { openHostFd } from '../../sentry/fs/host/host-inode.ts';
import { openTty } from '../../sentry/fs/tty/tty-file.ts';
import type { Tty } from '../../sentry/fs/tty/tty.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { resolve } from '../../sentry/vfs/walk.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import { errnoText } from './errno-text.ts';
import { StartError } from './start-error.ts';

const FIRST_PRESERVED = 3;

export function connectStdio(kernel: Kernel, init: Task, boot: BootDocument, console: Tty | null): void {
  const { uid, gid } = init.creds;
  const host = (fd: number): FileDescription =>
    openHostFd(
      fd,
      (f, callback) => {
        kernel.platform.watch(f, callback);
      },
      uid,
      gid,
    );
  if (console !== null) {
    const terminal = openConsole(init, console);
    for (const fd of [0, 1, 2]) init.files.set(fd, terminal, false);
  } else {
    const { stdin, stdout, stderr } = boot.fds;
    for (const [fd, from] of [stdin, stdout, stderr].entries()) init.files.set(fd, host(from), false);
  }
  for (const [i, from] of boot.preservedFds.entries()) init.files.set(FIRST_PRESERVED + i, host(from), false);
}

/** Opened through /dev/pts/0 where there is one, so that ttyname(3) finds it; it becomes init's controlling terminal. */
function openConsole(init: Task, console: Tty): FileDescription {
  const path = resolve(init, null, '/dev/pts/0', 0);
  const known = typeof path === 'number' ? null : path;
  const file = openTty(console, O_RDWR, known, known?.dentry.inode ?? null, init);
  if (typeof file === 'number') throw new StartError(`cannot open the console: ${errnoText(file)}`);
  return file;
}
