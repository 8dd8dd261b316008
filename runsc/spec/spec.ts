// config.json as types: the OCI runtime specification's configuration, the parts for Linux. Field names are the
// specification's own. A value of type Spec has passed load-spec.ts: shapes are right and the rules of
// rules.ts hold. Sizes are bytes, CPU times microseconds, unless the field says otherwise.

import type { Linux } from './spec-linux.ts';

export interface Spec {
  /** Any 1.x version. */
  readonly ociVersion: string;
  readonly process?: Process;
  readonly root?: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
}

/** config.md, "Process". */
export interface Process {
  readonly terminal?: boolean;
  /** Cells of the initial terminal. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user?: User;
  readonly args?: readonly string[];
  readonly commandLine?: string;
  /** `NAME=value` each. */
  readonly env?: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly selinuxLabel?: string;
  readonly ioPriority?: IoPriority;
  readonly execCPUAffinity?: { readonly initial?: string; readonly final?: string };
}

export interface User {
  readonly uid?: number;
  readonly gid?: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  readonly username?: string;
}

/** capabilities(7): each set lists names such as `CAP_KILL`. */
export interface Capabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
}

/** getrlimit(2): `type` is a name such as `RLIMIT_NOFILE`; 2^64-1 (RLIM_INFINITY) loses precision as a number. */
export interface Rlimit {
  readonly type: string;
  readonly hard: number;
  readonly soft: number;
}

/** sched_setattr(2). Times are nanoseconds. */
export interface Scheduler {
  readonly policy: string;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly string[];
  readonly runtime?: number;
  readonly deadline?: number;
  readonly period?: number;
}

/** ioprio_set(2). */
export interface IoPriority {
  readonly class: string;
  readonly priority: number;
}

export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean;
}

export interface Mount {
  /** Absolute path in the container. */
  readonly destination: string;
  readonly type?: string;
  /** For a bind: absolute, or relative to the bundle. */
  readonly source?: string;
  readonly options?: readonly string[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** user_namespaces(7): `size` ids from `containerID` inside are those from `hostID` outside. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** config.md, "POSIX-platform Hooks". */
export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

export interface Hook {
  /** Absolute path on the host (in the container for startContainer). */
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds, above zero. */
  readonly timeout?: number;
}

export type * from './spec-linux.ts';
