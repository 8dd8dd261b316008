// Which Debian packages are here: without them a test is skipped, with the reason printed; never in CI.

import { spawnSync } from 'node:child_process';

/** True when the tests can't run, and says why. In CI that is a failure. */
export function missing(...packages: readonly string[]): boolean {
  const reasons = packages.filter((name) => !isInstalled(name)).map((name) => `no package ${name}`);
  if (process.geteuid!() !== 0) reasons.push('not root');
  if (reasons.length === 0) return false;
  if (process.env['CI'] !== undefined) throw new Error(`cannot test: ${reasons.join(', ')}`);
  console.warn(`skipped: ${reasons.join(', ')}`);
  return true;
}

function isInstalled(name: string): boolean {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Status}', name], { encoding: 'utf8' });
  return stdout.includes('ok installed');
}
