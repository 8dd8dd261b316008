/** semctl(2). */
import { i32, u8 } from '../../platform/arena.ts';
import { EFAULT, EINVAL, ENOMEM, ERANGE } from '../../sentry/abi/errno.ts';
import * as ipc from '../../sentry/abi/ipc.ts';
import type { SemaphoreSet } from '../../sentry/ipc/sem.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { changeable, putLong, putPerm, readPerm, setPerm, zeroed } from './support.ts';

/** seminfo.semusz: the size of a structure of old times. */
const SEMUSZ = 20;

export function sys_semctl(t: Task): number {
  const id = t.argI32(0);
  if (id < 0) return -EINVAL;
  switch (t.argI32(2)) {
    case ipc.IPC_INFO:
      return putInfo(t, false);
    case ipc.SEM_INFO:
      return putInfo(t, true);
    case ipc.IPC_STAT:
      return putStat(t, id, true, true);
    case ipc.SEM_STAT:
      return putStat(t, id, false, true);
    case ipc.SEM_STAT_ANY:
      return putStat(t, id, false, false);
    case ipc.GETALL:
      return getAll(t, id);
    case ipc.SETALL:
      return setAll(t, id);
    case ipc.GETVAL:
    case ipc.GETPID:
    case ipc.GETNCNT:
    case ipc.GETZCNT:
      return getOne(t, id, t.argI32(2));
    case ipc.SETVAL:
      return setOne(t, id);
    case ipc.IPC_SET:
      return change(t, id);
    case ipc.IPC_RMID:
      return remove(t, id);
    default:
      return -EINVAL;
  }
}

/** struct seminfo: the limits; with SEM_INFO the use takes the place of two. Returns the highest place in use. */
function putInfo(t: Task, use: boolean): number {
  const { sem } = t.group.ns.ipc;
  const [perSet, inAll, perCall, sets] = sem.limits as [number, number, number, number];
  const at = zeroed(t, ipc.SEMINFO_SIZE);
  if (at < 0) return at;
  i32.set(
    [
      ipc.SEMMNS,
      sets,
      inAll,
      ipc.SEMMNS,
      perSet,
      perCall,
      ipc.SEMOPM,
      use ? sem.ids.used : SEMUSZ,
      ipc.SEMVMX,
      use ? sem.used : ipc.SEMAEM,
    ],
    at >>> 2,
  );
  const r = t.copyOutStaged(t.arg(3), at, ipc.SEMINFO_SIZE);
  return r < 0 ? r : sem.ids.highest;
}

/** The set of an id that the caller may read (0444) or change (0222), or a negated errno. */
function allowed(t: Task, id: number, wanted: number): SemaphoreSet | number {
  const set = t.group.ns.ipc.sem.ids.byId(id);
  if (typeof set === 'number') return set;
  const denied = set.permits(t.creds, wanted);
  return denied < 0 ? denied : set;
}

function putStat(t: Task, id: number, isId: boolean, check: boolean): number {
  const { ids } = t.group.ns.ipc.sem;
  const set = isId ? ids.byId(id) : ids.atPlace(id);
  if (typeof set === 'number') return set;
  const denied = check ? set.permits(t.creds, 0o444) : 0;
  if (denied < 0) return denied;
  const arm = t.kernel.options.machine === 'aarch64';
  const size = arm ? ipc.SEMID_DS_SIZE : ipc.SEMID_DS_SIZE_X86;
  const at = zeroed(t, size);
  if (at < 0) return at;
  putPerm(at, set);
  putLong(at + 48, set.otime);
  putLong(at + (arm ? 56 : 64), set.ctime);
  putLong(at + (arm ? 64 : 80), set.values.length);
  const r = t.copyOutStaged(t.arg(3), at, size);
  return r < 0 ? r : isId ? 0 : set.id;
}

function getAll(t: Task, id: number): number {
  const set = allowed(t, id, 0o444);
  if (typeof set === 'number') return set;
  const values = new Uint8Array(set.values.buffer);
  return t.copyOutBytes(t.arg(3), values, 0, values.length);
}

function setAll(t: Task, id: number): number {
  const set = allowed(t, id, 0o222);
  if (typeof set === 'number') return set;
  const count = set.values.length;
  const from = t.copyIn(t.arg(3), 2 * count);
  if (from < 0) return from === -ENOMEM ? from : -EFAULT;
  const values = new Uint16Array(count);
  for (let i = 0; i < count; i++) values[i] = u8[from + 2 * i]! | (u8[from + 2 * i + 1]! << 8);
  if (values.some((value) => value > ipc.SEMVMX)) return -ERANGE;
  values.forEach((value, num) => {
    set.setValue(num, value, t.pid);
  });
  set.changed(t.kernel.clock.realtimeSec());
  return 0;
}

function getOne(t: Task, id: number, cmd: number): number {
  const num = t.argI32(1);
  const set = allowed(t, id, 0o444);
  if (typeof set === 'number') return set;
  if (num < 0 || num >= set.values.length) return -EINVAL;
  switch (cmd) {
    case ipc.GETVAL:
      return set.values[num]!;
    case ipc.GETPID:
      return set.pids[num]!;
    case ipc.GETNCNT:
      return set.countWaiting(num, false);
    default:
      return set.countWaiting(num, true);
  }
}

function setOne(t: Task, id: number): number {
  const num = t.argI32(1);
  const value = t.argI32(3);
  if (value < 0 || value > ipc.SEMVMX) return -ERANGE;
  const set = t.group.ns.ipc.sem.ids.byId(id);
  if (typeof set === 'number') return set;
  if (num < 0 || num >= set.values.length) return -EINVAL;
  const denied = set.permits(t.creds, 0o222);
  if (denied < 0) return denied;
  set.setValue(num, value, t.pid);
  set.changed(t.kernel.clock.realtimeSec());
  return 0;
}

function change(t: Task, id: number): number {
  const size = t.kernel.options.machine === 'aarch64' ? ipc.SEMID_DS_SIZE : ipc.SEMID_DS_SIZE_X86;
  const from = t.copyIn(t.arg(3), size);
  if (from < 0) return from;
  const perm = readPerm(from);
  const set = changeable(t, t.group.ns.ipc.sem.ids, id);
  if (typeof set === 'number') return set;
  const r = setPerm(set, perm);
  if (r < 0) return r;
  set.ctime = t.kernel.clock.realtimeSec();
  return 0;
}

function remove(t: Task, id: number): number {
  const set = changeable(t, t.group.ns.ipc.sem.ids, id);
  if (typeof set === 'number') return set;
  set.remove();
  return 0;
}
