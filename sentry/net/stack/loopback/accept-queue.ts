/** Connections that wait for accept(2), and connectors that wait for room among them (listen(2)). */
import type { LoopbackTcp } from './loopback-tcp.ts';

export class AcceptQueue {
  limit = 0;
  /** Established, not accepted yet. */
  readonly made: LoopbackTcp[] = [];
  /** Connectors that found no room: as if their SYN were sent again and again. */
  readonly waiting = new Set<LoopbackTcp>();

  /** Connectors whose SYN the filter of one side doesn't let in. */
  readonly unheard = new Set<LoopbackTcp>();

  /** One more than the limit fits, as in Linux. */
  get full(): boolean {
    return this.made.length > this.limit;
  }

  /** The next connector for whom there is room now. */
  nextAdmitted(): LoopbackTcp | null {
    if (this.full || this.waiting.size === 0) return null;
    for (const client of this.waiting) {
      this.waiting.delete(client);
      return client;
    }
    return null;
  }
}
