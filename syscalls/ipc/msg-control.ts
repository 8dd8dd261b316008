/** msgctl(2). */
import { i32, u32 } from '../../platform/arena.ts';
import { CAP_SYS_RESOURCE } from '../../sentry/abi/capability.ts';
import { EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import * as ipc from '../../sentry/abi/ipc.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { changeable, putLong, putPerm, readPerm, setPerm, zeroed } from './support.ts';

export function sys_msgctl(t: Task): number {
  const id = t.argI32(0);
  const cmd = t.argI32(1);
  if (id < 0 || cmd < 0) return -EINVAL;
  switch (cmd) {
    case ipc.IPC_INFO:
      return putInfo(t, false);
    case ipc.MSG_INFO:
      return putInfo(t, true);
    case ipc.IPC_STAT:
      return putStat(t, id, true, true);
    case ipc.MSG_STAT:
      return putStat(t, id, false, true);
    case ipc.MSG_STAT_ANY:
      return putStat(t, id, false, false);
    case ipc.IPC_SET:
      return change(t, id);
    case ipc.IPC_RMID:
      return remove(t, id);
    default:
      return -EINVAL;
  }
}

// Of struct msginfo, what nobody uses any more.
const MSGMAP = ipc.MSGMNB;
const MSGTQL = ipc.MSGMNB;
const MSGPOOL = (ipc.MSGMNI * ipc.MSGMNB) / 1024;
const MSGSSZ = 16;
const MSGSEG = 0xffff;

/** struct msginfo: the limits; with MSG_INFO the use takes the place of some. Returns the highest place in use. */
function putInfo(t: Task, use: boolean): number {
  const { msg } = t.group.ns.ipc;
  const at = zeroed(t, ipc.MSGINFO_SIZE);
  if (at < 0) return at;
  i32.set(
    [
      use ? msg.ids.used : MSGPOOL,
      use ? msg.messages : MSGMAP,
      msg.messageBytes,
      msg.queueBytes,
      msg.ids.limit,
      MSGSSZ,
      use ? msg.bytes : MSGTQL,
      MSGSEG,
    ],
    at >>> 2,
  );
  const r = t.copyOutStaged(t.arg(2), at, ipc.MSGINFO_SIZE);
  return r < 0 ? r : msg.ids.highest;
}

function putStat(t: Task, id: number, isId: boolean, check: boolean): number {
  const { ids } = t.group.ns.ipc.msg;
  const queue = isId ? ids.byId(id) : ids.atPlace(id);
  if (typeof queue === 'number') return queue;
  const denied = check ? queue.permits(t.creds, 0o444) : 0;
  if (denied < 0) return denied;
  const at = zeroed(t, ipc.MSQID_DS_SIZE);
  if (at < 0) return at;
  putPerm(at, queue);
  putLong(at + 48, queue.stime);
  putLong(at + 56, queue.rtime);
  putLong(at + 64, queue.ctime);
  putLong(at + 72, queue.bytes);
  putLong(at + 80, queue.messages.length);
  putLong(at + 88, queue.maxBytes);
  i32[(at + 96) >>> 2] = queue.lspid;
  i32[(at + 100) >>> 2] = queue.lrpid;
  const r = t.copyOutStaged(t.arg(2), at, ipc.MSQID_DS_SIZE);
  return r < 0 ? r : isId ? 0 : queue.id;
}

/** IPC_SET: permissions, and how many bytes it may hold. */
function change(t: Task, id: number): number {
  const from = t.copyIn(t.arg(2), ipc.MSQID_DS_SIZE);
  if (from < 0) return from;
  const perm = readPerm(from);
  const maxBytes = u32[(from + 92) >>> 2]! * 4294967296 + u32[(from + 88) >>> 2]!;
  const { msg } = t.group.ns.ipc;
  const queue = changeable(t, msg.ids, id);
  if (typeof queue === 'number') return queue;
  if (maxBytes > msg.queueBytes && !t.creds.hasCap(CAP_SYS_RESOURCE)) return -EPERM;
  const r = setPerm(queue, perm);
  if (r < 0) return r;
  queue.maxBytes = maxBytes;
  queue.changed(t.kernel.clock.realtimeSec());
  return 0;
}

function remove(t: Task, id: number): number {
  const queue = changeable(t, t.group.ns.ipc.msg.ids, id);
  if (typeof queue === 'number') return queue;
  queue.remove();
  return 0;
}
