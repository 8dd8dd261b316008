/** msgget(2), msgsnd(2), msgrcv(2). */
import { u8 } from '../../platform/arena.ts';
import * as errno from '../../sentry/abi/errno.ts';
import { IPC_NOWAIT, MSG_COPY, MSG_EXCEPT, MSG_NOERROR } from '../../sentry/abi/ipc.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import { type MsgMessage, type MsgQueue, MsgReceiver } from '../../sentry/ipc/msg.ts';
import * as types from '../../sentry/ipc/msg-type.ts';
import type { Task } from '../../sentry/kernel/task.ts';

/** The type before the text of a struct msgbuf. */
const TYPE_BYTES = 8;

export function sys_msgget(t: Task): number {
  const { msg } = t.group.ns.ipc;
  return msg.get(t.creds, t.argI32(0), t.argI32(1), t.kernel.clock.realtimeSec());
}

/** A msgsnd(2) that waits for room. */
interface Sending {
  readonly queue: MsgQueue;
  readonly message: MsgMessage;
}

export function sys_msgsnd(t: Task): number {
  let sending = t.blockState as Sending | null;
  if (sending === null) {
    const message = messageIn(t);
    if (typeof message === 'number') return message;
    const queue = t.group.ns.ipc.msg.ids.byId(t.argI32(0));
    if (typeof queue === 'number') return queue;
    t.blockState = sending = { queue, message };
  }
  const { queue, message } = sending;
  if (queue.removed) return -errno.EIDRM;
  const denied = queue.permits(t.creds, 0o222);
  if (denied < 0) return denied;
  if (queue.fits(message.text.length)) return queue.send(message, t.pid, t.kernel.clock.realtimeSec());
  if ((t.argI32(3) & IPC_NOWAIT) !== 0) return -errno.EAGAIN;
  return waitOn(t, queue.senders);
}

function messageIn(t: Task): MsgMessage | number {
  const addr = t.arg(1);
  const size = t.arg(2);
  const head = t.copyInBytes(addr, TYPE_BYTES);
  if (typeof head === 'number') return head;
  if (size > t.group.ns.ipc.msg.messageBytes || t.argI32(0) < 0) return -errno.EINVAL;
  const words = new Int32Array(head.buffer);
  const type = { hi: words[1]!, lo: words[0]! };
  if (!types.isPositive(type)) return -errno.EINVAL;
  const text = t.copyInBytes(addr + TYPE_BYTES, size);
  return typeof text === 'number' ? text : { type, text };
}

/** A msgrcv(2) that waits for a message. */
interface Receiving {
  readonly queue: MsgQueue;
  readonly receiver: MsgReceiver;
}

export function sys_msgrcv(t: Task): number {
  const flags = t.argI32(4);
  const receiving = t.blockState as Receiving | null;
  if (receiving !== null) {
    const { got } = receiving.receiver;
    if (got === null) return waitOn(t, receiving.receiver.queue);
    if (typeof got !== 'number') return messageOut(t, got);
    if (got !== -errno.EAGAIN) return got;
    t.blockState = null;
    return receive(t, receiving.queue, flags);
  }
  if (t.argI32(0) < 0 || t.args[5]! < 0) return -errno.EINVAL;
  if ((flags & MSG_COPY) !== 0 && ((flags & MSG_EXCEPT) !== 0 || (flags & IPC_NOWAIT) === 0)) {
    return -errno.EINVAL;
  }
  const queue = t.group.ns.ipc.msg.ids.byId(t.argI32(0));
  return typeof queue === 'number' ? queue : receive(t, queue, flags);
}

function receive(t: Task, queue: MsgQueue, flags: number): number {
  if (queue.removed) return -errno.EIDRM;
  const denied = queue.permits(t.creds, 0o444);
  if (denied < 0) return denied;
  const asked = { hi: t.args[7]!, lo: t.args[6]! };
  const mode = modeOf(asked, flags);
  const wanted = mode === types.SEARCH_LESS_EQUAL ? types.negated(asked) : asked;
  const maxBytes = (flags & MSG_NOERROR) !== 0 ? Infinity : t.arg(2);
  const found = queue.find(mode, wanted);
  if (found !== undefined) {
    if (found.text.length > maxBytes) return -errno.E2BIG;
    if (mode !== types.SEARCH_PLACE) queue.take(found, t.pid, t.kernel.clock.realtimeSec());
    return messageOut(t, found);
  }
  if ((flags & IPC_NOWAIT) !== 0) return -errno.ENOMSG;
  const receiver = new MsgReceiver(t.pid, mode, wanted, maxBytes);
  t.blockState = { queue, receiver } satisfies Receiving;
  queue.wait(receiver);
  t.onUnblock = () => {
    queue.withdraw(receiver);
  };
  return waitOn(t, receiver.queue);
}

function modeOf(asked: types.MsgType, flags: number): number {
  if ((flags & MSG_COPY) !== 0) return types.SEARCH_PLACE;
  if (asked.hi === 0 && asked.lo === 0) return types.SEARCH_ANY;
  if (asked.hi < 0) return types.SEARCH_LESS_EQUAL;
  return (flags & MSG_EXCEPT) !== 0 ? types.SEARCH_NOT_EQUAL : types.SEARCH_EQUAL;
}

/** What was received, cut to what there is room for; a bad address loses it, as on Linux. */
function messageOut(t: Task, { type, text }: MsgMessage): number {
  const length = Math.min(text.length, t.arg(2));
  const at = t.stage(TYPE_BYTES + length);
  if (at < 0) return at;
  const head = new Int32Array([type.lo, type.hi]);
  u8.set(new Uint8Array(head.buffer), at);
  u8.set(text.subarray(0, length), at + TYPE_BYTES);
  const r = t.copyOutStaged(t.arg(1), at, TYPE_BYTES + length);
  return r < 0 ? r : length;
}

/** Interrupted, it starts again only without a handler (signal(7)). */
function waitOn(t: Task, queue: MsgQueue['senders']): number {
  const r = t.waitOn(queue, 1);
  return r === BLOCKED ? r : -errno.ERESTARTNOHAND;
}
