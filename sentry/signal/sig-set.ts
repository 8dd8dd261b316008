/** Signal sets without BigInt: two 32-bit words, bit (signo - 1). Words are kept as signed int32. */
import { SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU } from '../abi/signal.ts';

/** Bit of `signo` within its word. */
export function sigBit(signo: number): number {
  return 1 << ((signo - 1) & 31);
}

export function sigIn(lo: number, hi: number, signo: number): boolean {
  return ((signo <= 32 ? lo : hi) & sigBit(signo)) !== 0;
}

/** SIGKILL and SIGSTOP: never blocked, caught or ignored. All below 33, so only a low word. */
export const UNBLOCKABLE_LO = sigBit(SIGKILL) | sigBit(SIGSTOP);
export const STOP_SIGNALS_LO = sigBit(SIGSTOP) | sigBit(SIGTSTP) | sigBit(SIGTTIN) | sigBit(SIGTTOU);
export const CONT_LO = sigBit(SIGCONT);

/** Number of the lowest signal in the set, or 0. */
export function lowestSignal(lo: number, hi: number): number {
  if (lo !== 0) return 32 - Math.clz32(lo & -lo);
  if (hi !== 0) return 64 - Math.clz32(hi & -hi);
  return 0;
}
