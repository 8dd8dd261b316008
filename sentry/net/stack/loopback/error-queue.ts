/** Errors that came back for datagrams that a socket sent (ip(7), IP_RECVERR; recv(2), MSG_ERRQUEUE). */
import type { QueuedError } from '../inet-stack.ts';

/** Bookkeeping of an entry besides its data, counted against the receive buffer. */
const OVERHEAD = 576;

export class ErrorQueue {
  private readonly entries: QueuedError[] = [];
  private held = 0;

  get empty(): boolean {
    return this.entries.length === 0;
  }
  /** errno of the next entry, when the network reported it; 0: none, or one of this host's own. */
  get nextErrno(): number {
    const next = this.entries[0];
    return next === undefined || next.local ? 0 : next.errno;
  }

  /** False when the receive buffer has no room. */
  push(entry: QueuedError, limit: number): boolean {
    const size = entry.data.length + OVERHEAD;
    if (this.held + size > limit) return false;
    this.held += size;
    this.entries.push(entry);
    return true;
  }

  shift(): QueuedError | null {
    const entry = this.entries.shift();
    if (entry === undefined) return null;
    this.held -= entry.data.length + OVERHEAD;
    return entry;
  }

  clear(): void {
    this.entries.length = 0;
    this.held = 0;
  }
}
