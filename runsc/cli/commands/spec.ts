// `runsc spec`: writes a config.json to start from.

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { defaultSpec, rootlessSpec } from '../../spec/default-spec.ts';

/** Refuses to replace a file, in runc's words. */
export function spec(flags: { readonly bundle?: string; readonly rootless?: true }): number {
  const directory = flags.bundle ?? '.';
  const value = flags.rootless ? rootlessSpec(process.geteuid!(), process.getegid!()) : defaultSpec();
  try {
    writeFileSync(resolve(directory, 'config.json'), JSON.stringify(value, null, '\t'), {
      flag: 'wx',
      mode: 0o666,
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new Error('File config.json exists. Remove it first', { cause });
    if (code === 'ENOENT') throw new Error(`chdir ${directory}: no such file or directory`, { cause });
    throw cause;
  }
  return 0;
}
