/** Signal dispositions: what a process does with each signal (sigaction(2)); shared by CLONE_SIGHAND. */
import { DOUBLE_ZERO } from '../base/double.ts';
import {
  NSIG,
  SA_NOCLDSTOP,
  SIGCHLD,
  SIGCONT,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
  SIG_DFL,
  SIG_IGN,
} from '../abi/signal.ts';

export class SigAction {
  /** SIG_DFL, SIG_IGN or a guest address. */
  handler: number = DOUBLE_ZERO + SIG_DFL;
  /** SA_ bits, unsigned. */
  flags = DOUBLE_ZERO;
  restorer = DOUBLE_ZERO;
  maskLo = 0;
  maskHi = 0;

  copyFrom(other: SigAction): void {
    this.handler = other.handler;
    this.flags = other.flags;
    this.restorer = other.restorer;
    this.maskLo = other.maskLo;
    this.maskHi = other.maskHi;
  }

  reset(): void {
    this.handler = SIG_DFL;
    this.flags = 0;
    this.restorer = 0;
    this.maskLo = 0;
    this.maskHi = 0;
  }
}

// Default actions (signal(7), "Standard signals").
export const DEFAULT_TERMINATE = 0;
export const DEFAULT_IGNORE = 1;
export const DEFAULT_STOP = 2;
export const DEFAULT_CONTINUE = 3;

export function defaultAction(signo: number): number {
  switch (signo) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
      return DEFAULT_IGNORE;
    case SIGCONT:
      return DEFAULT_CONTINUE;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return DEFAULT_STOP;
    default:
      return DEFAULT_TERMINATE;
  }
}

/** The table of 64 actions; reference-counted by the groups that share it. */
export class SignalActions {
  readonly actions: SigAction[] = [];
  refs = 1;

  constructor() {
    for (let i = 0; i <= NSIG; i++) this.actions.push(new SigAction());
  }

  get(signo: number): SigAction {
    return this.actions[signo]!;
  }

  /** True when delivery would do nothing: ignored explicitly or by default. */
  ignores(signo: number): boolean {
    const handler = this.actions[signo]!.handler;
    if (handler === SIG_IGN) return true;
    if (handler !== SIG_DFL) return false;
    const action = defaultAction(signo);
    return action === DEFAULT_IGNORE || action === DEFAULT_CONTINUE;
  }

  catches(signo: number): boolean {
    return this.actions[signo]!.handler > SIG_IGN;
  }

  /** SIGCHLD is not wanted for stops and continues. */
  get noChildStop(): boolean {
    return (this.actions[SIGCHLD]!.flags & SA_NOCLDSTOP) !== 0;
  }

  clone(): SignalActions {
    const copy = new SignalActions();
    for (let i = 1; i <= NSIG; i++) copy.actions[i]!.copyFrom(this.actions[i]!);
    return copy;
  }

  /** execve and CLONE_CLEAR_SIGHAND: handlers become default, ignored ones stay ignored. */
  resetHandlers(): void {
    for (let i = 1; i <= NSIG; i++) {
      const action = this.actions[i]!;
      const ignored = action.handler === SIG_IGN;
      action.reset();
      if (ignored) action.handler = SIG_IGN;
    }
  }
}
