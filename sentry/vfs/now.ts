/** The time that inodes are stamped with: CLOCK_REALTIME, in steps of a millisecond as on a 1000 Hz kernel. */

export let nowSec = 0;
export let nowNsec = 0;

/** Sets nowSec and nowNsec; exported variables, so that stamping allocates nothing. */
export function takeNow(): void {
  const ms = Date.now();
  nowSec = Math.floor(ms / 1000);
  nowNsec = (ms - nowSec * 1000) * 1_000_000;
}
