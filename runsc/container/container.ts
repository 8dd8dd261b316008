// What the container operations, each in a file of its own, are told.

import type { NetworkOptions } from '../sandbox/network-plan.ts';
import type { Spec } from '../spec/spec.ts';

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
  /** 'open': guests may connect to unix sockets of the host's in their mounts. */
  readonly hostUds?: 'none' | 'open';
  readonly strace: boolean;
  readonly straceSyscalls: readonly string[];
  readonly straceFormat: 'text' | 'json';
  readonly systemdCgroup: boolean;
  readonly ignoreCgroups: boolean;
  /** --rootless, as written: looked at only when a container is made, as runc does. */
  readonly rootless: string;
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
