/**
 * How kernel code reaches guest memory. Most arguments have been copied into the thread's slot by the stub before
 * the kernel looks (see syscalls/table/args.ts); copyIn finds them there and falls back to a host copy. Results are
 * staged in the slot and copied out by the stub after the reply. Every method yields -EFAULT as Linux would.
 */
export interface UserMemory {
  /**
   * Makes guest bytes [addr, addr+len) readable and returns their arena offset (platform/arena.ts), or -EFAULT,
   * or -ENOMEM when they do not fit in the slot's data area (about 120 KiB; use copyInBytes then).
   * The bytes are volatile (the guest can write the slot) and stay until the call's reply.
   */
  copyIn(addr: number, len: number): number;
  /** A private copy, of any size. Returns -EFAULT as a number. */
  copyInBytes(addr: number, len: number): Uint8Array | number;
  /** Copies into `dst` (any buffer). 0 or -EFAULT. */
  copyInTo(addr: number, dst: Uint8Array, offset: number, len: number): number;
  /** A NUL-terminated string of fewer than `max` bytes as latin1, or -EFAULT, or -ENAMETOOLONG. */
  copyInString(addr: number, max: number): string | number;
  /** Small scalars; check with `isFault` style: they return null on a fault. */
  readU32(addr: number): number | null;
  readI32(addr: number): number | null;
  readU64(addr: number): number | null;
  readI64(addr: number): number | null;

  /**
   * Reserves `len` bytes of the slot's data area for a result, 8-byte aligned; returns the arena offset, or -ENOMEM
   * when it does not fit (then write through copyOutBytes). The memory is NOT zeroed.
   */
  stage(len: number): number;
  /** Queues staged bytes [offset, offset+len) to be copied to guest `addr`. 0 or -EFAULT (checked against the VMAs). */
  copyOutStaged(addr: number, offset: number, len: number): number;
  /** Copies bytes out, of any size. 0 or -EFAULT. */
  copyOutBytes(addr: number, src: Uint8Array, offset: number, len: number): number;
  writeU32(addr: number, value: number): number;
  writeI32(addr: number, value: number): number;
  writeU64(addr: number, value: number): number;
  writeI64(addr: number, value: number): number;
}
