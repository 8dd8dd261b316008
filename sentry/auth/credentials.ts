/** Credentials of a task (credentials(7), capabilities(7)). Immutable: a change makes a new object. */

/** The five capability sets as 41-bit masks, low and high 32 bits apart so that no BigInt is needed. */
export interface CapSet {
  readonly lo: number;
  readonly hi: number;
}

export const CAP_EMPTY: CapSet = { lo: 0, hi: 0 };
export const CAP_FULL: CapSet = { lo: 0xffffffff, hi: 0x1ff };

export class Credentials {
  readonly uid: number = 0;
  readonly gid: number = 0;
  readonly euid: number = 0;
  readonly egid: number = 0;
  readonly suid: number = 0;
  readonly sgid: number = 0;
  readonly fsuid: number = 0;
  readonly fsgid: number = 0;
  readonly groups: readonly number[] = [];
  readonly permitted: CapSet = CAP_EMPTY;
  readonly effective: CapSet = CAP_EMPTY;
  readonly inheritable: CapSet = CAP_EMPTY;
  readonly bounding: CapSet = CAP_FULL;
  readonly ambient: CapSet = CAP_EMPTY;
  readonly securebits: number = 0;

  constructor(fields: Partial<Credentials> = {}) {
    Object.assign(this, fields);
  }

  /** A copy with some fields changed. */
  with(fields: Partial<Credentials>): Credentials {
    return Object.assign(new Credentials(this), fields);
  }

  /** True when capability number `cap` is in the effective set. */
  hasCap(cap: number): boolean {
    return cap < 32
      ? ((this.effective.lo >>> cap) & 1) === 1
      : ((this.effective.hi >>> (cap - 32)) & 1) === 1;
  }

  /** True when `gid` is the filesystem group or one of the supplementary groups. */
  inGroup(gid: number): boolean {
    return this.fsgid === gid || this.groups.includes(gid);
  }
}
