/** The resource limits and rights that memory calls look at; filled by the caller from its task. */
import { pageDown } from '../abi/mman.ts';
import type { AddressSpace } from './address-space.ts';

export interface MemoryLimits {
  /** Soft limits in bytes; Infinity: none. RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK. */
  as: number;
  data: number;
  stack: number;
  memlock: number;
  /** CAP_IPC_LOCK. */
  ipcLock: boolean;
}

export const NO_LIMITS: MemoryLimits = {
  as: Infinity,
  data: Infinity,
  stack: Infinity,
  memlock: Infinity,
  ipcLock: true,
};

/** may_expand_vm(): room for `len` more bytes, `data` of them private and writable. */
export function mayExpand(mm: AddressSpace, len: number, data: number, limits: MemoryLimits): boolean {
  if (mm.map.totalBytes + len > pageDown(limits.as)) return false;
  return data === 0 || mm.map.dataBytes + data <= limits.data;
}

/** mlock_future_ok(): room for `len` more locked bytes. */
export function mayLock(mm: AddressSpace, len: number, limits: MemoryLimits): boolean {
  return limits.ipcLock || mm.map.lockedBytes + len <= pageDown(limits.memlock);
}

/** can_do_mlock(). */
export function canLockAtAll(limits: MemoryLimits): boolean {
  return limits.ipcLock || limits.memlock !== 0;
}
