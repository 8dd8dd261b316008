/** Arithmetic on capability sets. */
import { CAP_LAST_CAP } from '../abi/capability.ts';
import type { CapSet } from './credentials.ts';

export function capSet(lo: number, hi: number): CapSet {
  // Bits above the last capability do not exist.
  return { lo: lo >>> 0, hi: (hi & 0x1ff) >>> 0 };
}
export function capUnion(a: CapSet, b: CapSet): CapSet {
  return capSet(a.lo | b.lo, a.hi | b.hi);
}
export function capIntersect(a: CapSet, b: CapSet): CapSet {
  return capSet(a.lo & b.lo, a.hi & b.hi);
}
export function capWithout(a: CapSet, b: CapSet): CapSet {
  return capSet(a.lo & ~b.lo, a.hi & ~b.hi);
}
export function capIsSubset(a: CapSet, of: CapSet): boolean {
  return (a.lo & ~of.lo) === 0 && (a.hi & ~of.hi) === 0;
}
export function capHas(a: CapSet, cap: number): boolean {
  return cap < 32 ? ((a.lo >>> cap) & 1) === 1 : ((a.hi >>> (cap - 32)) & 1) === 1;
}
export function capOf(cap: number): CapSet {
  return cap < 32 ? capSet(1 << cap, 0) : capSet(0, 1 << (cap - 32));
}
export function capValid(cap: number): boolean {
  return cap >= 0 && cap <= CAP_LAST_CAP;
}
