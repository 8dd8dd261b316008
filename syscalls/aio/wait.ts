/** io_getevents(2), io_pgetevents(2). */
import { EFAULT, EINTR, EINVAL } from '../../sentry/abi/errno.ts';
import { READABLE } from '../../sentry/abi/poll.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { copyOutNow } from '../file/transfer.ts';
import { applyMask, readTimespec, startTimeout } from '../poll/timeout.ts';
import type { AioContext } from './context.ts';
import { contextsOf } from './context.ts';

const EVENT_SIZE = 32;
/** Copied out at once. */
const BATCH = 512;
const buffer = new Uint8Array(BATCH * EVENT_SIZE);
const view = new DataView(buffer.buffer);

export function sys_io_getevents(t: Task): number {
  const timeoutNs = readTimespec(t, t.arg(4));
  return timeoutNs < 0 ? timeoutNs : getEvents(t, timeoutNs);
}

export function sys_io_pgetevents(t: Task): number {
  const timeoutNs = readTimespec(t, t.arg(4));
  if (timeoutNs < 0) return timeoutNs;
  const sigset = t.arg(5);
  if (sigset !== 0) {
    const mask = t.readI64(sigset);
    const size = t.readI64(sigset + 8);
    if (mask === null || size === null) return -EFAULT;
    const masked = applyMask(t, mask, size);
    if (masked < 0) return masked;
  }
  return getEvents(t, timeoutNs);
}

function getEvents(t: Task, timeoutNs: number): number {
  const context = contextsOf(t).get(t.arg(0));
  const least = t.argI64(1);
  const most = t.argI64(2);
  if (context === undefined || least < 0 || most < least) return -EINVAL;
  const ready = context.events.length;
  if (ready >= least || timeoutNs === 0 || t.timedOut) return take(t, context, most);
  startTimeout(t, timeoutNs);
  if (t.waitOn(context.queue, READABLE) === BLOCKED) return BLOCKED;
  return ready > 0 ? take(t, context, most) : -EINTR;
}

/** Moves up to `most` events to the guest. */
function take(t: Task, context: AioContext, most: number): number {
  const addr = t.arg(3);
  const count = Math.min(most, context.events.length);
  let done = 0;
  while (done < count) {
    const n = Math.min(count - done, BATCH);
    for (let i = 0; i < n; i++) {
      const event = context.events[i]!;
      const at = i * EVENT_SIZE;
      view.setUint32(at, event.dataLo, true);
      view.setUint32(at + 4, event.dataHi, true);
      setWord(at + 8, event.iocb);
      setWord(at + 16, event.result);
      setWord(at + 24, 0);
    }
    if (copyOutNow(t, addr + done * EVENT_SIZE, buffer, 0, n * EVENT_SIZE) < 0)
      return done > 0 ? done : -EFAULT;
    context.events.splice(0, n);
    done += n;
  }
  return done;
}

function setWord(at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 4294967296), true);
}
