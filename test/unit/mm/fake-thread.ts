/** A platform thread at the host boundary that only records: operations queued, descriptors donated. */
import type { MemoryCaller } from '../../../sentry/mm/address-space.ts';
import { AddressSpace } from '../../../sentry/mm/address-space.ts';
import type { PlatformSpace, PlatformThread } from '../../../platform/platform.ts';

export interface RecordedOp {
  op: number;
  args: number[];
}

export class FakeCaller implements MemoryCaller {
  onOpsFailed: ((errno: number) => number) | null = null;
  readonly ops: RecordedOp[] = [];
  readonly copyOuts: { addr: number; offset: number; len: number }[] = [];
  readonly donated: number[] = [];
  readonly thread: PlatformThread;

  constructor() {
    const space = {
      owner: null,
      dead: false,
      read: () => 0,
      write: () => 0,
      donate: (_thread: unknown, fd: number) => {
        this.donated.push(fd);
        return 0;
      },
      destroy: () => undefined,
    } as unknown as PlatformSpace;
    this.thread = {
      space,
      owner: this,
      ackOps: false,
      dataTop: 0,
      dataEnd: 65536,
      addOp: (op: number, ...args: number[]) => {
        this.ops.push({ op, args });
      },
      addCopyOut: (addr: number, offset: number, len: number) => {
        this.copyOuts.push({ addr, offset, len });
        return true;
      },
    } as unknown as PlatformThread;
  }

  /** What the platform reports when the host refuses the last operation. */
  fail(errno: number): number {
    const undo = this.onOpsFailed;
    this.onOpsFailed = null;
    if (undo === null) throw new Error('nothing to undo');
    return undo(errno);
  }
}

export const MIN = 0x100000;
export const MAX = 0x7fff00000000;

export function newSpace(caller: FakeCaller): AddressSpace {
  return new AddressSpace({ minAddress: MIN, maxAddress: MAX }, caller.thread.space);
}
