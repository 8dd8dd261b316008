// The root filesystems of the tests: made once, outside the repository (make-rootfs.sh, make-net-rootfs.sh,
// make-capture-rootfs.sh), and shared. Of the small one, each process that asks has a copy: many tests mount something
// where it has nothing.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Time limit for hooks that may have to make one, on a slow machine with a slow mirror. */
export const MAKING_MS = 2_400_000;

export type Tree = 'busybox' | 'debian' | 'net' | 'capture';

const made = new Map<Tree, string>();

/** The directory of the tree; the first call on a machine takes minutes for all but `busybox`. */
export function rootfs(kind: Tree): string {
  let path = made.get(kind);
  if (path === undefined) {
    const [script, args] =
      kind === 'busybox' || kind === 'debian' ? ['make-rootfs.sh', [kind]] : [`make-${kind}-rootfs.sh`, []];
    path = printedBy(script, args);
    if (kind === 'busybox') path = copyOf(path);
    made.set(kind, path);
  }
  return path;
}

let tests: string | null = null;

/** The directory with CPython's own tests, for the Python of the `debian` tree. */
export function cpythonTests(): string {
  return (tests ??= printedBy('make-cpython-tests.sh', []));
}

function printedBy(script: string, args: readonly string[]): string {
  const output = execFileSync(join(import.meta.dirname, script), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  });
  return output.toString().trim();
}

/** In the directory that shared-trees.ts removes when all tests have run, or in one that goes with this process. */
function copyOf(tree: string): string {
  let place = process.env['RUNSC_TEST_COPIES'];
  if (place === undefined) {
    const own = (place = mkdtempSync(join(tmpdir(), 'runsc-trees-')));
    chmodSync(own, 0o755);
    process.once('exit', () => rmSync(own, { recursive: true, force: true }));
  }
  const copy = join(place, `busybox-${process.pid}`);
  execFileSync('cp', ['-a', tree, copy]);
  return copy;
}
