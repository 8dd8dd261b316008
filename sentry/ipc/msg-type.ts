/** Types of messages: longs above 0, kept as two words so that all 63 bits count. */

/** What msgrcv(2) looks for. */
export const SEARCH_ANY = 0;
export const SEARCH_EQUAL = 1;
export const SEARCH_NOT_EQUAL = 2;
/** The lowest type that isn't above the one asked for. */
export const SEARCH_LESS_EQUAL = 3;
/** MSG_COPY: the message at a place in the queue. */
export const SEARCH_PLACE = 4;

export interface MsgType {
  readonly hi: number;
  readonly lo: number;
}

/** < 0, 0 or > 0. */
export function compareTypes(a: MsgType, b: MsgType): number {
  return a.hi === b.hi ? (a.lo >>> 0) - (b.lo >>> 0) : a.hi - b.hi;
}

export function isPositive({ hi, lo }: MsgType): boolean {
  return hi > 0 || (hi === 0 && lo !== 0);
}

/** -type, and the largest for the one number that has no negative. */
export function negated({ hi, lo }: MsgType): MsgType {
  if (hi === -0x80000000 && lo === 0) return { hi: 0x7fffffff, lo: -1 };
  return { hi: (~hi + (lo === 0 ? 1 : 0)) | 0, lo: -lo | 0 };
}

export function matches(type: MsgType, mode: number, wanted: MsgType): boolean {
  switch (mode) {
    case SEARCH_EQUAL:
      return compareTypes(type, wanted) === 0;
    case SEARCH_NOT_EQUAL:
      return compareTypes(type, wanted) !== 0;
    case SEARCH_LESS_EQUAL:
      return compareTypes(type, wanted) <= 0;
    default:
      return mode === SEARCH_ANY;
  }
}
