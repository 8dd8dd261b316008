/** mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_getsetattr(2). */
import * as errno from '../../sentry/abi/errno.ts';
import { O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK } from '../../sentry/abi/fcntl.ts';
import { MQ_ATTR_SIZE, MQ_PRIO_MAX } from '../../sentry/abi/mqueue.ts';
import { READABLE, WRITABLE } from '../../sentry/abi/poll.ts';
import { MqueueFile } from '../../sentry/fs/mqueue/mqueue-file.ts';
import { mqueueOf, type QueueSize } from '../../sentry/fs/mqueue/mqueue.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { CLOCK_REALTIME } from '../../sentry/time/clock.ts';
import { removeFile } from '../../sentry/vfs/names.ts';
import { openAt } from '../../sentry/vfs/open.ts';
import { newFd } from '../poll/new-fd.ts';
import { FOREVER, readTimespec } from '../poll/timeout.ts';
import { putLong, zeroed } from './support.ts';

const LONG = 8;
const NAME_MAX = 255;

export function sys_mq_open(t: Task): number {
  const flags = t.argI32(1);
  let size: QueueSize | null = null;
  if (t.arg(3) !== 0) {
    const maxMessages = t.readI64(t.arg(3) + LONG);
    const messageBytes = t.readI64(t.arg(3) + 2 * LONG);
    if (maxMessages === null || messageBytes === null) return -errno.EFAULT;
    size = { maxMessages, messageBytes };
  }
  const name = queueName(t);
  if (typeof name === 'number') return name;
  const fs = mqueueOf(t.group.ns.ipc);
  if ((flags & O_ACCMODE) === O_ACCMODE) return badAccess(t, fs.root().lookup(name, t), flags);
  const admitted = t.files.admits();
  if (admitted < 0) return admitted;
  fs.asked = size;
  const how = flags & (O_ACCMODE | O_CREAT | O_EXCL | O_NONBLOCK);
  const file = openAt(t, fs.rootPath(), name, how, t.argU32(2) & 0o7777);
  fs.asked = null;
  if (typeof file === 'number') return file;
  return newFd(t, file, true);
}

/** Neither reading nor writing: what is there is refused, what isn't may be missing. */
function badAccess(_t: Task, found: unknown, flags: number): number {
  if (typeof found === 'number' && (flags & O_CREAT) === 0) return found;
  if (typeof found !== 'number' && (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -errno.EEXIST;
  return -errno.EINVAL;
}

export function sys_mq_unlink(t: Task): number {
  const name = queueName(t);
  if (typeof name === 'number') return name;
  return removeFile(t, mqueueOf(t.group.ns.ipc).rootPath(), name);
}

/** The name without the slash that the C library has taken away. */
function queueName(t: Task): string | number {
  const name = t.path(0);
  if (typeof name === 'number') return name;
  if (name === '') return -errno.ENOENT;
  if (name.length > NAME_MAX) return -errno.ENAMETOOLONG;
  return name === '.' || name === '..' || name.includes('/') ? -errno.EACCES : name;
}

export function sys_mq_timedsend(t: Task): number {
  const priority = t.argU32(3);
  const at = deadline(t);
  if (at < 0) return at;
  if (priority >= MQ_PRIO_MAX) return -errno.EINVAL;
  const file = t.fileNoPath(0);
  if (!(file instanceof MqueueFile) || !file.writable) return -errno.EBADF;
  const { queue, changes } = file.inode;
  const length = t.arg(2);
  if (length > queue.messageBytes) return -errno.EMSGSIZE;
  if (queue.full) {
    const text = t.retry ? 0 : t.copyInBytes(t.arg(1), length);
    if (typeof text === 'number' && text < 0) return text;
    if (file.nonblocking) return -errno.EAGAIN;
    return wait(t, file, WRITABLE, at);
  }
  const text = t.copyInBytes(t.arg(1), length);
  if (typeof text === 'number') return text;
  const r = queue.send(text, priority, t.pid, t.creds.uid);
  if (r === 0) changes.notify(READABLE);
  return r;
}

export function sys_mq_timedreceive(t: Task): number {
  const at = deadline(t);
  if (at < 0) return at;
  const file = t.fileNoPath(0);
  if (!(file instanceof MqueueFile) || !file.readable) return -errno.EBADF;
  const { queue, changes } = file.inode;
  if (t.arg(2) < queue.messageBytes) return -errno.EMSGSIZE;
  if (queue.count === 0) {
    if (file.nonblocking) return -errno.EAGAIN;
    if (t.onUnblock === null) {
      queue.receivers++;
      t.onUnblock = () => {
        queue.receivers--;
      };
    }
    return wait(t, file, READABLE, at);
  }
  const { text, priority } = queue.receive();
  changes.notify(WRITABLE);
  if (t.arg(3) !== 0 && t.writeU32(t.arg(3), priority) < 0) return -errno.EFAULT;
  return t.copyOutBytes(t.arg(1), text, 0, text.length) < 0 ? -errno.EFAULT : text.length;
}

/** The absolute time of argument 4 on the wall clock: FOREVER without one, or a negated errno. */
function deadline(t: Task): number {
  if (t.retry) return FOREVER;
  return readTimespec(t, t.arg(4));
}

function wait(t: Task, file: MqueueFile, mask: number, atNs: number): number {
  if (t.timedOut) return -errno.ETIMEDOUT;
  if (!t.retry && atNs !== FOREVER) {
    const leftNs = atNs - t.kernel.clock.nowNs(CLOCK_REALTIME);
    if (leftNs <= 0) return -errno.ETIMEDOUT;
    t.setDeadline(t.kernel.clock.monotonicNs() + leftNs);
  }
  return t.waitOn(file.inode.changes, mask);
}

export function sys_mq_getsetattr(t: Task): number {
  let flags: number | null = null;
  if (t.arg(1) !== 0) {
    flags = t.readI64(t.arg(1));
    if (flags === null) return -errno.EFAULT;
    if (flags !== 0 && flags !== O_NONBLOCK) return -errno.EINVAL;
  }
  const file = t.fileNoPath(0);
  if (!(file instanceof MqueueFile)) return -errno.EBADF;
  const { queue } = file.inode;
  const old = file.flags & O_NONBLOCK;
  if (flags !== null) file.flags = (file.flags & ~O_NONBLOCK) | flags;
  if (t.arg(2) === 0) return 0;
  const at = zeroed(t, MQ_ATTR_SIZE);
  if (at < 0) return at;
  putLong(at, old);
  putLong(at + LONG, queue.maxMessages);
  putLong(at + 2 * LONG, queue.messageBytes);
  putLong(at + 3 * LONG, queue.count);
  return t.copyOutStaged(t.arg(2), at, MQ_ATTR_SIZE);
}
