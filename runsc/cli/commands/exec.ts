// `runsc exec`: runs one more process in a container.

import { resolve } from 'node:path';

import { parseCount } from './run.ts';
import { EXEC_FAILED, execContainer, findExecutable } from '../../container/exec.ts';
import { type ExecOverrides, overrideProcess } from '../../spec/exec-process.ts';
import { loadBundleProcess, loadProcess } from '../../spec/load-process.ts';
import { ID_MAX, ID_RANGE, warnOfUnknownCapabilities } from '../../spec/rules.ts';
import { ExitError, UsageError } from '../usage-error.ts';

import type { Invocation } from '../program.ts';

export interface ExecFlags {
  readonly consoleSocket?: string;
  readonly cwd?: string;
  readonly env: readonly string[];
  readonly tty?: true;
  readonly user?: string;
  readonly additionalGids: readonly string[];
  readonly process?: string;
  readonly detach?: true;
  readonly pidFile?: string;
  readonly processLabel?: string;
  readonly apparmor?: string;
  readonly newPrivs: boolean;
  readonly cap: readonly string[];
  readonly preserveFds: string;
  readonly cgroup: readonly string[];
  readonly ignorePaused?: true;
}

/** Returns the exit status of the process: its code, or 128 and the number of its signal. */
export async function exec(
  { options, log }: Invocation,
  id: string,
  command: readonly string[],
  flags: ExecFlags,
): Promise<number> {
  const preserveFds = parseCount('preserve-fds', flags.preserveFds);
  const gids = flags.additionalGids.map((text) => parseGid(text));
  const warn = (message: string): void => log.warn(message);
  try {
    const ignorePaused = flags.ignorePaused ?? false;
    const bundle = findExecutable(options, id, ignorePaused);
    if (flags.process === undefined && command.length === 0) {
      throw new Error('process args cannot be empty');
    }
    warnOfLabels(flags, warn);
    warnOfUnknownCapabilities({ bounding: flags.cap }, warn);
    const process =
      flags.process === undefined
        ? overrideProcess(loadBundleProcess(bundle, warn), toOverrides(command, flags, gids))
        : loadProcess(resolve(flags.process), warn);
    return await execContainer(options, {
      id,
      process,
      detach: flags.detach ?? false,
      ...(flags.pidFile === undefined ? {} : { pidFile: resolve(flags.pidFile) }),
      ...(flags.consoleSocket === undefined ? {} : { consoleSocket: resolve(flags.consoleSocket) }),
      preserveFds,
      ignorePaused,
      cgroups: flags.cgroup,
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`exec failed: ${message}`, EXEC_FAILED, { cause });
  }
}

/** What the flags say. Throws in runc's words. */
function toOverrides(args: readonly string[], flags: ExecFlags, gids: readonly number[]): ExecOverrides {
  const { env, cwd, user = '', cap } = flags;
  if (cwd !== undefined && !cwd.startsWith('/')) throw new Error('Cwd must be an absolute path');
  for (const text of env) {
    if (text.indexOf('=') < 1) {
      throw new Error(
        `unable to start container process: invalid environment variable: ${JSON.stringify(text)}`,
      );
    }
  }
  const [uid, ...rest] = user.split(':');
  return {
    args,
    env,
    terminal: flags.tty ?? false,
    ...(cwd === undefined ? {} : { cwd }),
    ...(rest.length === 0 ? {} : { gid: parseId(rest.join(':'), 'gid') }),
    ...(user === '' ? {} : { uid: parseId(uid!, 'uid') }),
    additionalGids: gids.map(inRange),
    ...(flags.newPrivs ? {} : { noNewPrivileges: true }),
    capabilities: cap,
  };
}

function parseId(text: string, what: string): number {
  if (/^[+-]?\d+$/.test(text)) return inRange(Number(text));
  throw new Error(
    `parsing ${text} as int for ${what} failed: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

function inRange(id: number): number {
  if (id >= 0 && id <= ID_MAX) return id;
  throw new Error(`unable to start container process: unable to setup user: ${ID_RANGE}`);
}

function warnOfLabels({ apparmor, processLabel }: ExecFlags, warn: (message: string) => void): void {
  if (apparmor !== undefined && apparmor !== '') warn('--apparmor: not supported, ignored');
  if (processLabel !== undefined && processLabel !== '') warn('--process-label: not supported, ignored');
}

function parseGid(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new UsageError(
      `invalid value ${JSON.stringify(text)} for flag -g: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  const gid = Number(text);
  if (gid < 0)
    throw new ExitError(`exec failed: additional-gids must be a positive number ${gid}`, EXEC_FAILED);
  return gid;
}
