/** pidfd_open(2): a descriptor for a process (or, with PIDFD_THREAD, one thread), readable once it has ended. */
import { EINVAL } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLHUP, POLLIN } from '../../abi/poll.ts';
import type { WaitQueue } from '../../base/wait-queue.ts';
import type { Task } from '../../kernel/task.ts';
import { TASK_DEAD } from '../../kernel/task.ts';
import type { ThreadGroup } from '../../kernel/thread-group.ts';
import { sharedAnonInode } from '../../vfs/anon-inode.ts';
import { FileDescription } from '../../vfs/file-description.ts';

const POLLRDNORM = 0x40;

export class PidFile extends FileDescription {
  readonly group: ThreadGroup;
  /** Set for PIDFD_THREAD. */
  readonly thread: Task | null;
  override readonly queue: WaitQueue;

  constructor(group: ThreadGroup, thread: Task | null, flags: number) {
    super(O_RDWR | flags, null, sharedAnonInode);
    this.group = group;
    this.thread = thread;
    this.queue = group.exitQueue;
  }

  /** There is nothing to read at any offset. */
  override pread(): number {
    return -EINVAL;
  }
  override pwrite(): number {
    return -EINVAL;
  }

  override name(): string {
    return 'anon_inode:[pidfd]';
  }

  /** -1 once it has been reaped, as in Linux. */
  override fdinfo(): string {
    const pid = this.group.dead ? -1 : (this.thread?.tid ?? this.group.tgid);
    return `Pid:\t${pid}\nNSpid:\t${pid}\n`;
  }

  /** POLLIN when it is a zombie, POLLHUP too once reaped. */
  override readiness(): number {
    if (this.group.dead) return POLLIN | POLLRDNORM | POLLHUP;
    const ended = this.thread === null ? this.group.zombie : this.thread.state === TASK_DEAD;
    return ended ? POLLIN | POLLRDNORM : 0;
  }
}
