// The control protocol: one JSON object per line in each direction over a stream socket in the state directory.
// The CLI and the launcher connect; the Sentry listens on BootDescriptors.control. Requests on one connection
// are answered in order. A line is at most CONTROL_LINE_LIMIT_BYTES long.

import type { ExecOverrides } from '../spec/exec-process.ts';
import type { BootDocument } from './boot-document.ts';
import type { Resources } from '../spec/spec.ts';

export const CONTROL_LINE_LIMIT_BYTES = 1 << 20;

/** Names of sockets in the container's state directory: the Sentry's, and the launcher's for `start`. */
export const CONTROL_SOCKET_NAME = 'control.sock';
export const START_SOCKET_NAME = 'start.sock';

/**
 * A request's descriptors come with the bytes of its line (SCM_RIGHTS); a field that stands for one holds its index
 * among them. Those that the request does not name are closed.
 */
export type ControlRequest =
  /** Sends a signal to the container's init, or to every process in it. */
  | (ToContainer & { readonly op: 'kill'; readonly signal: number; readonly all: boolean })
  /** Lets a created container's init run. */
  | (ToContainer & { readonly op: 'start' })
  /** The host terminal's window size changed (from the launcher); cells. */
  | (ToContainer & { readonly op: 'winch'; readonly rows: number; readonly columns: number })
  /** Runs one more process in the container (ExecRequest); `ok` is said before it is known to run. */
  | ExecRequest
  /** To the process that this connection started. */
  | { readonly op: 'signal'; readonly signal: number; readonly container?: undefined }
  /** The size of the console of the process that this connection started has changed. */
  | { readonly op: 'resize'; readonly container?: undefined }
  /** What the container is doing. */
  | (ToContainer & { readonly op: 'state' })
  /** Stops all its processes; nothing inside notices. The state that `resume` goes back to is its answer. */
  | (ToContainer & { readonly op: 'pause' | 'resume' })
  | (ToContainer & { readonly op: 'stats' })
  /** The host processes of what its processes have forked: of those that stand-ins stand for, none. */
  | (ToContainer & { readonly op: 'processes' })
  /** New limits, for the guest to see; what is missing stays. */
  | (ToContainer & { readonly op: 'update'; readonly resources: Resources })
  /**
   * From the launcher of a container that is to join this sandbox, on a connection that stands for the container from
   * then on: start a process, with this oom_score_adj, from which all address spaces of the container are going to be
   * made. The reply carries a pidfd of it, and the launcher puts it into the container's cgroups before it asks for `create`.
   * With a container the same for a process that is to be added to that one, in cgroups of its own: before `exec`.
   */
  | { readonly op: 'zone'; readonly oomScore: number; readonly container?: undefined }
  | { readonly op: 'zone'; readonly container: string }
  /**
   * Makes the container; `fds` says which number of the boot document each descriptor stands for. The rest is told
   * through the document's exit pipe. Requests on this connection that name no container are about this one. It is
   * killed when the connection ends.
   */
  | { readonly op: 'create'; readonly boot: BootDocument; readonly fds: readonly number[] }
  /** Answered when the container has ended, or the process with this pid in it. */
  | (ToContainer & { readonly op: 'wait'; readonly pid?: number });

/**
 * The connection stands for the process: its end kills it. What becomes of the process is written to `exit`, as
 * ExitReports.
 */
export interface ExecRequest extends ToContainer {
  readonly op: 'exec';
  /** A memory file with config.json's `process` as JSON. */
  readonly document: number;
  readonly exit: number;
  /** stdin, stdout, stderr: none with a console. */
  readonly standard: readonly number[];
  /** A host pty slave in raw mode. */
  readonly console?: number;
  /** Descriptors 3 and up. */
  readonly preserved: readonly number[];
  /**
   * From the native front: the document is as the caller gave it. Anything but a process without peculiarities is
   * refused, and nothing has happened then.
   */
  readonly unchecked?: boolean;
  /** With `unchecked`: the document is config.json, whose process is to be changed. */
  readonly overrides?: ExecOverrides;
  /** What the process has where the document says nothing: soft and hard limits by RLIMIT_ number, in pairs. */
  readonly umask: number;
  readonly limits: readonly number[];
  /** In a paused container the process waits for `resume` like all others, instead of being refused. */
  readonly ignorePaused: boolean;
}

/** The container that a request is about; by default the sandbox's first one. */
export interface ToContainer {
  readonly container?: string;
}

export type ControlReply =
  | { readonly ok: true }
  | { readonly ok: true; readonly state: ControlState }
  | { readonly ok: true; readonly stats: ControlStats }
  /** As the Sentry's pid namespace numbers them. */
  | { readonly ok: true; readonly pids: readonly number[] }
  /** 128 and the number of its signal for one that was killed. */
  | { readonly ok: true; readonly exitStatus: number }
  /** `error` is a lowercase sentence; `errno` the guest's errno where one fits (3 for no such process). */
  | { readonly ok: false; readonly error: string; readonly errno?: number };

export interface ControlState {
  readonly status: 'created' | 'running' | 'paused' | 'stopped';
  /** Processes (thread groups) in the container. */
  readonly processes: number;
}

export interface ControlStats {
  /** Tasks (threads) in the container. */
  readonly tasks: number;
  /** 0 for no limit. */
  readonly pidsLimit: number;
}
