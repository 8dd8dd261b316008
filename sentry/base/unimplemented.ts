/** Counts what guests asked for and the kernel does not have, so that a gap is visible and not silent. */

const counts = new Map<string, number>();
let onFirst: (what: string) => void = () => undefined;

/** Notes one use of a missing branch, e.g. `unimplemented('ioctl 0x5413')`. Cheap enough for any path. */
export function unimplemented(what: string): void {
  const n = counts.get(what) ?? 0;
  // A hostile guest must not grow the table without bound.
  if (n === 0 && counts.size >= 4096) return;
  counts.set(what, n + 1);
  if (n === 0) onFirst(what);
}

/** Called with each new gap; the composition root points it at the log. */
export function onFirstUnimplemented(listener: (what: string) => void): void {
  onFirst = listener;
}

/** As if nothing had been asked for yet. */
export function forgetUnimplemented(): void {
  counts.clear();
}

/** Every gap seen so far with how often it was asked for. */
export function unimplementedCounts(): ReadonlyMap<string, number> {
  return counts;
}
