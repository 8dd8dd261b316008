// crun refuses cgroups of both versions, which is what some machines have: there the benchmarks run where the second
// version is not mounted, so that all runtimes meet the same.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const UNIFIED = '/sys/fs/cgroup/unified';

/** Returns where no such mount is. Elsewhere runs this program again without it, and ends with it. */
export function leaveUnified(): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
  if (!mounts.some((line) => line.split(' ')[4] === UNIFIED)) return;
  const script = `umount ${UNIFIED} && exec "$@"`;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const result = spawnSync(
    'unshare',
    ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', ...again],
    {
      stdio: 'inherit',
    },
  );
  process.exit(result.status ?? 1);
}
