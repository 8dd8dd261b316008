/**
 * Lets a task's stub read and write a host's socket by itself (platform.ts, KeptSockets): the data goes straight to the
 * guest's memory, and most calls never come here. Where something watches or judges every call, they do.
 */
import { EFAULT } from '../abi/errno.ts';
import { SOCKET_NONE } from '../../native/layout/layout.ts';
import type { Task } from './task.ts';

/**
 * What the stub does by itself: read, write, sendto, recvfrom, readv, writev, epoll_wait, epoll_pwait, epoll_ctl, poll,
 * select, pselect6, ppoll.
 */
const CALLS = {
  x86_64: [0, 1, 44, 45, 19, 20, 232, 281, 233, 7, 23, 270, 271],
  aarch64: [63, 64, 206, 207, 65, 66, 22, 21, 72, 73],
} as const;

/** At the end of a call that used the socket which the task was offered. */
export function acceptOwnIo(task: Task): void {
  const file = task.ownIo!;
  task.ownIo = null;
  const { thread, files, mm, kernel } = task;
  const calls: readonly number[] = CALLS[kernel.options.machine];
  const fd = task.args[0]!;
  if (!calls.includes(task.nr) || (files.get(fd) as object | null) !== file) return;
  if (kernel.tracer !== null || (task.seccomp !== null && task.seccomp.allows?.(calls) !== true)) return;
  // The stub knows the descriptors of one table, and only its own closes.
  const { sockets } = thread.space;
  if (files.acrossSpaces || thread.filesApart || sockets.has(fd)) return;
  if (files.kept !== sockets && (files.kept !== null || sockets.table !== null)) return;
  // Donations are taken in order: one at a time.
  if (mm.users > 1 && (mm.locked || thread.ackOps)) return;
  const mode = file.ownIoMode();
  if (mode === SOCKET_NONE) return;
  const kept = sockets.keep(thread, fd, file.hostFd, mode);
  if (kept === null) return;
  files.kept = sockets;
  sockets.table = files;
  file.given(kept);
  // The donation doesn't fail; a copy-out that goes before its acknowledgement may.
  mm.submitAlone(task, (errno) => (errno === -EFAULT ? errno : task.result));
}

/** Before anything judges the task's calls that did not: every one has to come here again. */
export function endOwnIo(task: Task): void {
  task.files.kept?.dropAll();
}
