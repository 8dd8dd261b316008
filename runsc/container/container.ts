// The container operations that the command line calls; each lives in a file of its own.

import type { NetworkOptions } from '../sandbox/network-plan.ts';
import type { Spec } from '../spec/spec.ts';

export { createContainer, runContainer } from './run.ts';
export { startContainer } from './start.ts';
export { loadState, listStates, formatState } from './state.ts';
export { EXEC_FAILED, execContainer, findExecutable } from './exec.ts';
export { killContainer } from './kill.ts';
export { deleteContainer } from './delete.ts';
export { parseSignal } from './signal-names.ts';
export type { ContainerState, ContainerStatus, ListedState } from './state.ts';

/** The global flags, after defaults. */
export interface RuntimeOptions extends NetworkOptions {
  /** --root: holds one directory per container. Absolute. */
  readonly root: string;
  readonly log?: string;
  readonly logFormat: 'text' | 'json';
  readonly debug: boolean;
  readonly debugLog?: string;
  readonly platform: string;
  readonly overlay2: string;
  readonly strace: boolean;
  readonly straceSyscalls: readonly string[];
  readonly straceFormat: 'text' | 'json';
  readonly systemdCgroup: boolean;
  readonly ignoreCgroups: boolean;
  /** --rootless: cgroups are used where they can be. Absent: decided by who is asking. */
  readonly rootless?: boolean;
}

export interface RunRequest {
  readonly id: string;
  /** The bundle directory, which relative paths of the spec start from. Absolute. */
  readonly bundle: string;
  readonly spec: Spec;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly detach: boolean;
  /** `create`: the container waits for `start`. */
  readonly create?: boolean;
  /** --keep: the state directory stays after a foreground run. */
  readonly keep?: boolean;
  /** --preserve-fds N: descriptors 3..N+2 go to the container's init. */
  readonly preserveFds: number;
  /** `runsc do`: cgroups are used where they can be, and left alone where not. */
  readonly doMode?: boolean;
}
