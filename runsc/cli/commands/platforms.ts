// `runsc platforms`: the names that --platform takes, one per line, the default first.

import { STDOUT, writeAll } from '../output.ts';
import { PLATFORMS } from '../platforms.ts';

export function platforms(): number {
  const width = Math.max(...PLATFORMS.map(({ name }) => name.length));
  writeAll(
    STDOUT,
    PLATFORMS.map(({ name, description }) => `${name.padEnd(width)}  ${description}\n`).join(''),
  );
  return 0;
}
