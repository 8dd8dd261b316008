// `runsc install` and `uninstall`: registers the runtime with Docker, and prints what other managers need.

import { join } from 'node:path';

import { packageRoot } from '../../sandbox/package-files.ts';
import { register, unregister } from '../daemon-json.ts';
import { STDOUT, writeAll } from '../output.ts';
import { stanzas } from '../stanzas.ts';
import { UsageError } from '../usage-error.ts';

export interface InstallFlags {
  readonly runtime: string;
  readonly config_file: string;
  readonly path?: string;
  readonly print?: string;
  readonly experimental?: true;
  readonly clobber: string;
  readonly cgroupdriver?: string;
}

/** `runtimeArgs` are global flags that Docker puts before the command. */
export function install(flags: InstallFlags, runtimeArgs: readonly string[]): number {
  const path = flags.path ?? join(packageRoot(), 'runsc/bin/runsc');
  checkName(flags.runtime);
  if (flags.print !== undefined) {
    printOne(flags.print, flags.runtime, path);
    return 0;
  }
  register(flags.config_file, {
    name: flags.runtime,
    runtime: { path, ...(runtimeArgs.length === 0 ? {} : { runtimeArgs }) },
    clobber: toBoolean('clobber', flags.clobber),
    experimental: flags.experimental ?? false,
    ...(flags.cgroupdriver === undefined ? {} : { cgroupDriver: flags.cgroupdriver }),
  });
  writeAll(STDOUT, `${flags.config_file}: added runtime ${flags.runtime}. Restart Docker to use it.\n`);
  for (const { manager, place, text } of stanzas(flags.runtime, path)) {
    writeAll(STDOUT, `\n# ${manager}: ${place}\n${text}`);
  }
  return 0;
}

export function uninstall(flags: { readonly runtime: string; readonly config_file: string }): number {
  unregister(flags.config_file, flags.runtime);
  writeAll(STDOUT, `${flags.config_file}: removed runtime ${flags.runtime}. Restart Docker.\n`);
  return 0;
}

function printOne(manager: string, name: string, path: string): void {
  const all = stanzas(name, path);
  const found = all.find((stanza) => stanza.manager === manager);
  if (found === undefined) {
    const known = all.map((stanza) => stanza.manager).join(', ');
    throw new UsageError(`unknown manager ${JSON.stringify(manager)}: the known ones are ${known}`);
  }
  writeAll(STDOUT, found.text);
}

/** The name becomes part of file names and keys. */
function checkName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    throw new UsageError(`invalid runtime name ${JSON.stringify(name)}`);
  }
}

function toBoolean(flag: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new UsageError(`invalid boolean value ${JSON.stringify(value)} for -${flag}: parse error`);
}
