/** Wait queues: who wants to know when an object's readiness changes. Poll bits are those of poll(2). */

/**
 * One registration. A waiter may be on one queue at a time; it is a linked-list node, so that
 * adding and removing cost the same however many wait.
 */
export class Waiter {
  /** Poll bits of interest; POLLERR and POLLHUP always wake. */
  mask = 0;
  /** Of several exclusive waiters only the first one that takes the wake-up (sets `taken`) is told. */
  exclusive = false;
  taken = false;
  /** Wants changes alone: at what holds already it looks itself, once it is on the queue. */
  edge = false;
  queue: WaitQueue | null = null;
  prev: Waiter | null = null;
  next: Waiter | null = null;
  /** Order of arrival on the queue. */
  seq = 0;
  /** Called synchronously by notify(); may remove itself or others, must not block. */
  callback: (mask: number, waiter: Waiter) => void;

  constructor(callback: (mask: number, waiter: Waiter) => void) {
    this.callback = callback;
  }

  /** Takes the waiter off its queue; harmless when it is on none. */
  remove(): void {
    this.queue?.remove(this);
  }
}

const ALWAYS = 0x8 | 0x10; // POLLERR | POLLHUP

export class WaitQueue {
  private head: Waiter | null = null;
  private tail: Waiter | null = null;
  private nextSeq = 1;
  /** The waiter that a notify() under way visits next; remove() moves it on. */
  private cursor: Waiter | null = null;

  get empty(): boolean {
    return this.head === null;
  }

  /** Appends: first come, first woken. */
  add(waiter: Waiter, mask: number): void {
    waiter.queue?.remove(waiter);
    waiter.mask = mask | ALWAYS;
    waiter.queue = this;
    waiter.seq = this.nextSeq++;
    waiter.prev = this.tail;
    waiter.next = null;
    if (this.tail === null) this.head = waiter;
    else this.tail.next = waiter;
    this.tail = waiter;
  }

  remove(waiter: Waiter): void {
    if (waiter.queue !== this) return;
    if (waiter === this.cursor) this.cursor = waiter.next;
    if (waiter.prev === null) this.head = waiter.next;
    else waiter.prev.next = waiter.next;
    if (waiter.next === null) this.tail = waiter.prev;
    else waiter.next.prev = waiter.prev;
    waiter.queue = null;
    waiter.prev = null;
    waiter.next = null;
  }

  /** Tells every waiter interested in one of `mask`'s bits. Waiters added meanwhile are not told. */
  notify(mask: number): void {
    if (this.head !== null) this.tellAll(mask);
  }

  private tellAll(mask: number): void {
    const end = this.nextSeq;
    const outer = this.cursor;
    let exclusiveTaken = false;
    for (let w = this.head; w !== null && w.seq < end; w = this.cursor) {
      this.cursor = w.next;
      if ((w.mask & mask) === 0 || (w.exclusive && exclusiveTaken)) continue;
      w.taken = false;
      w.callback(mask, w);
      if (w.exclusive && w.taken) exclusiveTaken = true;
    }
    // A notify nested in a callback of this same queue may have removed where the outer one stood: it then ends.
    this.cursor = outer !== null && outer.queue === this ? outer : null;
  }
}
