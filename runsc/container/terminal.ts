// Who gets the terminal of a process: runc's rules, and what the launcher is told.

import type { LaunchPlan } from '../sandbox/launch-plan.ts';
import type { Process } from '../spec/spec.ts';

export interface TerminalRequest {
  readonly process: Process | undefined;
  readonly detach: boolean;
  readonly consoleSocket?: string | undefined;
}

export function checkTerminal({ process, detach, consoleSocket }: TerminalRequest): void {
  const terminal = process?.terminal === true;
  if (detach && terminal && consoleSocket === undefined) {
    throw new Error('cannot allocate tty if runsc will detach without setting console socket');
  }
  if (consoleSocket !== undefined && (!detach || !terminal)) {
    throw new Error('cannot use console socket if runsc will not detach or allocate tty');
  }
}

export function planTerminal(plan: LaunchPlan, { process, consoleSocket }: TerminalRequest): void {
  if (process?.terminal !== true) return;
  plan.add('console.mode', consoleSocket === undefined ? 'tty' : 'socket');
  if (consoleSocket !== undefined) plan.add('console.socket', consoleSocket);
  const size = process.consoleSize;
  if (size !== undefined) plan.add('console.rows', size.height).add('console.columns', size.width);
}
