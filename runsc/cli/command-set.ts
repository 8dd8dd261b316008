// What the files that declare commands are given: a way to add one, and a way to run it with the global flags.

import type { Invocation } from './program.ts';
import type { Command } from 'commander';

export interface CommandSet {
  /** Adds a command without arguments and flags. */
  readonly add: (name: string, description: string) => Command;
  /** Reads the global flags, opens the log, and calls `run`, whose result is the exit code. */
  readonly invoke: (run: (invocation: Invocation) => Promise<number> | number) => Promise<void>;
}

export const ID = '<container-id>';

/** commander's parser of a flag that may be repeated. */
export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}
