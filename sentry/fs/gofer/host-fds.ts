/** The donated descriptors of all gofer trees, bounded: the longest unused go first and are asked for again. */

/** What holds donated descriptors. */
export interface FdHolder {
  /** Number of descriptors it holds now. */
  readonly heldFds: number;
  /** False while they could not be had again: the file has lost its name. */
  readonly evictable: boolean;
  /** Set by each use; cleared by an eviction round, which then passes over the holder once. */
  used: boolean;
  closeFds(): void;
}

export class HostFds {
  private readonly limit: number;
  private readonly holders = new Set<FdHolder>();
  private count = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.count;
  }

  /** A descriptor was added to the holder's; evicts others if there are too many. */
  added(holder: FdHolder): void {
    this.count++;
    this.holders.add(holder);
    if (this.count > this.limit) this.evict(holder);
  }

  /** The holder is about to close all it has. */
  removed(holder: FdHolder): void {
    if (this.holders.delete(holder)) this.count -= holder.heldFds;
  }

  /** Down to 7/8 of the limit at once, so that it does not happen at every open. */
  private evict(newest: FdHolder): void {
    const target = this.limit - (this.limit >> 3);
    let looks = 2 * this.holders.size;
    for (const holder of this.holders) {
      if (this.count <= target || looks-- <= 0) return;
      if (holder === newest || !holder.evictable) continue;
      if (holder.used) {
        // To the end of the set, which this loop reaches again.
        holder.used = false;
        this.holders.delete(holder);
        this.holders.add(holder);
        continue;
      }
      this.removed(holder);
      holder.closeFds();
    }
  }
}
