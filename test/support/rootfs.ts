// The root filesystems of the tests: made once, outside the repository (make-rootfs.sh, make-net-rootfs.sh, make-capture-rootfs.sh).

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Time limit for hooks that may have to make one. */
export const MAKING_MS = 900_000;

const made = new Map<string, string>();

/** The directory of the tree; the first call on a machine takes minutes for all but `busybox`. */
export function rootfs(kind: 'busybox' | 'debian' | 'net' | 'capture'): string {
  let path = made.get(kind);
  if (path === undefined) {
    const [script, args] =
      kind === 'busybox' || kind === 'debian' ? ['make-rootfs.sh', [kind]] : [`make-${kind}-rootfs.sh`, []];
    const output = execFileSync(join(import.meta.dirname, script), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
    });
    path = output.toString().trim();
    made.set(kind, path);
  }
  return path;
}

let tests: string | null = null;

/** The directory with CPython's own tests, for the Python of the `debian` tree. */
export function cpythonTests(): string {
  tests ??= execFileSync(join(import.meta.dirname, 'make-cpython-tests.sh'), {
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  })
    .toString()
    .trim();
  return tests;
}
