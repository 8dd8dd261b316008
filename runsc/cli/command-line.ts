// Parses a command line, runs its command, and reports how it failed.

import { CommanderError } from 'commander';

import { normalizeArguments } from './arguments.ts';
import { Log } from './log.ts';
import { STDOUT, writeAll } from './output.ts';
import { createProgram, type Outcome } from './program.ts';
import { ExitError } from './usage-error.ts';
import { versionText } from './version.ts';

import type { GlobalFlags } from './global-flags.ts';
import type { Command } from 'commander';

/** Returns the exit code; throws nothing. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const outcome: Outcome = { exitCode: 0 };
  let log: Log | undefined;
  const program = createProgram((opened) => (log = opened), outcome);
  program.configureOutput({ writeOut: (text) => writeAll(STDOUT, text), writeErr: () => undefined });
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  try {
    const normalized = normalizeArguments(program, args);
    if (takesVersion(normalized)) {
      writeAll(STDOUT, versionText());
      return 0;
    }
    if (normalized.length === 0) {
      writeAll(STDOUT, program.helpInformation());
      return 0;
    }
    await program.parseAsync(normalized, { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === 'commander.help') {
      // Flags without a command.
      writeAll(STDOUT, program.helpInformation());
      return 0;
    }
    log ??= openLogAnyway(program, args);
    log.error(messageOf(error));
    if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
    return error instanceof ExitError ? error.exitCode : 1;
  } finally {
    log?.close();
  }
}

/** `--version` is a flag before any command, which is then not run; behind `--` it is an operand. */
function takesVersion(normalized: readonly string[]): boolean {
  const end = normalized.indexOf('--');
  return (end === -1 ? normalized : normalized.slice(0, end)).includes('--version');
}

/** The flags themselves may be wrong; the record goes to --log all the same when that one can be understood. */
function openLogAnyway(program: Command, args: readonly string[]): Log {
  const flags = program.opts<GlobalFlags>();
  const path = flags.log ?? findFlag(args, 'log');
  const format =
    (flags.logFormat === 'json' ? 'json' : findFlag(args, 'log-format')) === 'json' ? 'json' : 'text';
  try {
    return Log.open(path, format, false);
  } catch {
    return Log.open(undefined, format, false);
  }
}

function findFlag(args: readonly string[], name: string): string | undefined {
  for (const [index, arg] of args.entries()) {
    if (arg === `--${name}` || arg === `-${name}`) return args[index + 1];
    const value = new RegExp(`^--?${name}=(.*)$`, 's').exec(arg)?.[1];
    if (value !== undefined) return value;
  }
  return undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '');
  return error instanceof Error ? error.message : String(error);
}
