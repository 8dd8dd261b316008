/** What filesystem code may know of the task on whose behalf it acts. The kernel's Task implements it. */
import type { Credentials } from '../auth/credentials.ts';
import type { WaitQueue } from '../base/wait-queue.ts';
import type { UserMemory } from '../mm/user-memory.ts';
import type { KeptSocket } from '../../platform/platform.ts';
import type { Path } from './path.ts';

/** A file whose data a caller's stub may read and write without the kernel: a host's socket. */
export interface OwnIo {
  readonly hostFd: number;
  /** SOCKET_ mode that fits what the file is like now; SOCKET_NONE: the kernel has to be asked. */
  ownIoMode(): number;
  /** It has been given to a stub. */
  given(to: KeptSocket): void;
}

export interface CallerContext extends UserMemory {
  readonly creds: Credentials;
  /** Root and working directory of the task. */
  readonly root: Path;
  readonly cwd: Path;
  readonly umask: number;
  /** Thread id and process id as the task itself sees them. */
  readonly tid: number;
  readonly pid: number;
  /** The pid namespace that these are numbers of: an identity. */
  readonly pidns: object;
  /** The process, by identity. */
  readonly group: object;
  /** RLIMIT_FSIZE soft limit in bytes (Infinity: none). */
  readonly fileSizeLimit: number;
  /** Registers the calling task on the queue and returns BLOCKED, or -ERESTARTSYS when a signal is pending. */
  waitOn(queue: WaitQueue, mask: number): number;
  /** Called when the blocked call completes, however it completes: undoes what a waiting operation holds. */
  onUnblock: (() => void) | null;
  /** A socket of the host's that is used much: the caller's stub may read and write it itself (ownIo). */
  ownIo: OwnIo | null;
  /** Queues a signal to the calling task itself (SIGPIPE, SIGXFSZ). */
  signalSelf(signo: number): void;
}
