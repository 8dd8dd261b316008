/** Contexts of io_setup(2): what has been done for them and not been asked about yet. */
import { WaitQueue } from '../../sentry/base/wait-queue.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { AddressSpace } from '../../sentry/mm/address-space.ts';

/** /proc/sys/fs/aio-max-nr; here of each address space. */
export const AIO_MAX_NR = 65536;

/** struct io_event: two words of the caller's and the result. */
export interface AioEvent {
  readonly dataLo: number;
  readonly dataHi: number;
  readonly iocb: number;
  readonly result: number;
}

export class AioContext {
  /** Events that it has room for. */
  readonly room: number;
  readonly events: AioEvent[] = [];
  readonly queue = new WaitQueue();

  constructor(room: number) {
    this.room = room;
  }
}

/** By the address of the page that is a context's name, as Linux's ring is. */
const contexts = new WeakMap<AddressSpace, Map<number, AioContext>>();

export function contextsOf(t: Task): Map<number, AioContext> {
  let known = contexts.get(t.mm);
  if (known === undefined) contexts.set(t.mm, (known = new Map<number, AioContext>()));
  return known;
}

/** Whether `room` more events may be waited for. */
export function admits(known: ReadonlyMap<number, AioContext>, room: number): boolean {
  let all = room;
  for (const context of known.values()) all += context.room;
  return all <= AIO_MAX_NR;
}
