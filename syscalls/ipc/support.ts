/** What the control calls of System V IPC share: struct ipc64_perm, and structures written whole. */
import { i32, u32 } from '../../platform/arena.ts';
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import type { IpcIds, IpcObject } from '../../sentry/ipc/ipc-ids.ts';
import type { Task } from '../../sentry/kernel/task.ts';

/** Room for a structure, all zero; -EFAULT can't be the guest's doing here. */
export function zeroed(t: Task, size: number): number {
  const at = t.stage(size);
  if (at < 0) return -EFAULT;
  u32.fill(0, at >>> 2, (at + size) >>> 2);
  return at;
}

export function putLong(at: number, value: number): void {
  u32[at >>> 2] = value;
  i32[(at >>> 2) + 1] = Math.floor(value / 4294967296);
}

/** The object of an id that the caller may change or remove, or a negated errno. */
export function changeable<T extends IpcObject>(t: Task, ids: IpcIds<T>, id: number): T | number {
  const object = ids.byId(id);
  if (typeof object === 'number') return object;
  const denied = object.permitsChange(t.creds);
  return denied < 0 ? denied : object;
}

/** struct ipc64_perm, the first 48 bytes of what IPC_STAT answers. */
export function putPerm(at: number, object: IpcObject): void {
  const w = at >>> 2;
  i32[w] = object.key;
  u32[w + 1] = object.uid;
  u32[w + 2] = object.gid;
  u32[w + 3] = object.cuid;
  u32[w + 4] = object.cgid;
  u32[w + 5] = object.mode;
  u32[w + 6] = object.sequence & 0xffff;
}

/** What IPC_SET takes of a struct ipc64_perm. */
export interface NewPerm {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** `at`: where the structure was copied to. */
export function readPerm(at: number): NewPerm {
  const w = at >>> 2;
  return { uid: u32[w + 1]!, gid: u32[w + 2]!, mode: u32[w + 5]! };
}

/** IPC_SET: owner, group and the permission bits. 0 or a negated errno. */
export function setPerm(object: IpcObject, { uid, gid, mode }: NewPerm): number {
  if (uid === 0xffffffff || gid === 0xffffffff) return -EINVAL;
  object.uid = uid;
  object.gid = gid;
  object.mode = (object.mode & ~0o777) | (mode & 0o777);
  return 0;
}
