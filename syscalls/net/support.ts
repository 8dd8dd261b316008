/** What the socket calls share: finding the socket, waiting, addresses in and out. */
import { EAGAIN, EBADF, EFAULT, EINTR, EINVAL, ENOTSOCK } from '../../sentry/abi/errno.ts';
import { SOCKADDR_MAX } from '../../sentry/abi/socket.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { WaitQueue } from '../../sentry/base/wait-queue.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { SocketFile } from '../../sentry/net/socket/socket-file.ts';

/** The socket behind the descriptor in argument i; -EBADF, -ENOTSOCK. */
export function socketArg(t: Task, i: number): SocketFile | number {
  const file = t.fileNoPath(i);
  if (file === null) return -EBADF;
  return file instanceof SocketFile ? file : -ENOTSOCK;
}

/**
 * After -EAGAIN: -EAGAIN again when the call may not wait or its SO_RCVTIMEO / SO_SNDTIMEO ran out, else BLOCKED. A
 * call with a timeout is not restarted after a signal (signal(7)).
 */
export function waitFor(t: Task, queue: WaitQueue, mask: number, timeoutNs: number, nowait: boolean): number {
  if (nowait || (timeoutNs !== 0 && t.timedOut)) return -EAGAIN;
  if (timeoutNs !== 0 && !t.retry) t.setDeadline(t.kernel.clock.monotonicNs() + timeoutNs);
  const r = t.waitOn(queue, mask);
  return r !== BLOCKED && timeoutNs !== 0 ? -EINTR : r;
}

/** Copies a sockaddr of `len` bytes into `out` (SOCKADDR_MAX long). 0, -EINVAL or -EFAULT. */
export function addressIn(t: Task, addr: number, len: number, out: Uint8Array): number {
  if (len < 0 || len > SOCKADDR_MAX) return -EINVAL;
  return len === 0 ? 0 : t.copyInTo(addr, out, 0, len);
}

/** Stores an address of `len` bytes at `addr`, as much as the int at `lenAddr` allows, and its length there. */
export function addressOut(t: Task, bytes: Uint8Array, len: number, addr: number, lenAddr: number): number {
  const room = t.readI32(lenAddr);
  if (room === null) return -EFAULT;
  if (room < 0) return -EINVAL;
  if (t.copyOutBytes(addr, bytes, 0, Math.min(room, len)) < 0) return -EFAULT;
  return t.writeI32(lenAddr, len);
}

/** For the address of the call at hand; one call runs at a time. */
export const addressBuffer = new Uint8Array(SOCKADDR_MAX);
