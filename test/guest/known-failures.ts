// The list of checks that are known to fail in the sandbox (known-failures.txt), held to both ways.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The checks listed for `family/program`. */
export function knownFailures(program: string): string[] {
  return readFileSync(join(import.meta.dirname, 'known-failures.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && line.startsWith(`${program}: `))
    .map((line) => line.slice(program.length + 2));
}

/** Takes what is known out of `failures` (`check: what happened`), and adds what is listed but passes. */
export function againstKnown(failures: ReadonlyMap<string, string>, known: readonly string[]): string[] {
  if (known.includes('*')) {
    return failures.size > 0 ? [] : ['listed as failing in known-failures.txt, but everything passes'];
  }
  const unexpected = [...failures].filter(([check]) => !known.includes(check));
  const passing = known.filter((check) => !failures.has(check));
  return [
    ...unexpected.map(([check, what]) => (what.startsWith('FAIL') ? what : `${check}: ${what}`)),
    ...passing.map((check) => `${check}: listed in known-failures.txt, but passes`),
  ];
}
