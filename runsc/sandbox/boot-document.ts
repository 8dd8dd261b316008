// The boot documents: everything the Sentry and the gofer are told before they start, and the descriptors
// that the native launcher puts at fixed numbers for them.
//
// Both processes are plain Node programs that start with the host's root still visible (their own code has
// to be loaded) and lose it before any guest code runs. The hand-over, on the descriptor `ready`, a stream
// socket:
//   1. the program loads what it needs, then writes one byte (any value) to `ready`;
//   2. the launcher's pivoter makes the prepared jail the root of the mount namespace and detaches the rest;
//   3. the pivoter writes one byte back; the program reads it (a blocking read is fine) and closes `ready`.
// A read of zero bytes means that the jail could not be made: the program must exit at once. From step 3 on
// a path names nothing of the host.

import type { Spec } from '../spec/spec.ts';

/**
 * Descriptors 0-2 of both programs: /dev/null, /dev/null, and the launcher's stderr (for a crash of Node
 * itself). Everything else is at these numbers; an absent one is closed, and absent from the document.
 */
export const BOOT_FD = 10;
export const READY_FD = 11;
export const GOFER_FD = 12;
export const STDIN_FD = 13;
export const STDOUT_FD = 14;
export const STDERR_FD = 15;
export const CONSOLE_FD = 16;
export const CONTROL_FD = 17;
export const EXIT_FD = 18;
export const LOG_FD = 19;
export const DEBUG_LOG_FD = 20;
export const STUB_FD = 21;
export const OOM_SCORE_FD = 22;
export const BROKER_FD = 23;
export const JOINED_FD = 24;
/** For native/image, with Node at the next one; gone before the program's first instruction. */
export const IMAGE_FD = 29;
/** `--preserve-fds N`: the caller's 3..N+2 arrive at PRESERVED_FD and up. */
export const PRESERVED_FD = 32;

/** Environment variable that holds the number of the descriptor with the JSON boot document. */
export const BOOT_FD_VARIABLE = 'RUNSC_BOOT_FD';
export const READY_FD_VARIABLE = 'RUNSC_READY_FD';
export const GOFER_FD_VARIABLE = 'RUNSC_GOFER_FD';

/** Set where a program is to write an image of itself instead: its path, and the directory of files to make part of it. */
export const IMAGE_VARIABLE = 'RUNSC_IMAGE';
export const IMAGE_EMBED_VARIABLE = 'RUNSC_IMAGE_EMBED';
/** Set besides where the program is to rehearse before it is written: a RehearsalDocument. */
export const REHEARSAL_VARIABLE = 'RUNSC_REHEARSAL';
/** With this a process from an image ends when its boot document is empty. */
export const IMAGE_PROOF_STATUS = 78;
/** While an image is written all numbers below are taken, so that Node's own descriptors are above. */
export const IMAGE_FIRST_FD = 300;

export interface BootDescriptors {
  /** Stream socket: see the hand-over above. */
  readonly ready: number;
  /** SOCK_SEQPACKET socket pair end; the gofer has the other one. */
  readonly gofer: number;
  /** The caller's own standard descriptors. With `console` these are /dev/null. */
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  /** Host pty slave in raw mode, when process.terminal is true: the Sentry's line discipline sits on it. */
  readonly console?: number;
  /** Listening SOCK_STREAM unix socket: control connections, one JSON object per line (control-messages.ts). */
  readonly control: number;
  /** Write end of a pipe to the launcher: one ExitReport per line. */
  readonly exit: number;
  /** --log, opened for append: one error record per line, in `logFormat`. */
  readonly log?: number;
  /** --debug-log, opened for append. */
  readonly debugLog?: number;
  /** The stub executable, opened read-only: execveat(stub, "", AT_EMPTY_PATH). */
  readonly stub: number;
  /**
   * A pipe with one byte as soon as the Sentry is in the container's cgroups. A stub that was made before would be
   * outside of them, and so would all guest processes: they are copies of it.
   */
  readonly joined: number;
  /**
   * The Sentry's own /proc/self/oom_score_adj, open for writing. A value written before a stub is made is
   * inherited by it: raising it for the stubs and then lowering it again to what it was (which needs no
   * privilege) makes the host's OOM killer choose a guest process before the kernel.
   */
  readonly oomScore: number;
  /** --network host: SOCK_SEQPACKET socket pair end; the broker has the other one. */
  readonly broker?: number;
}

/** One bind mount that the gofer serves; every other mount of the spec is made inside the Sentry. */
export interface BootMount {
  /** The tree's number in the gofer: 0 is the rootfs, binds count from 1. */
  readonly goferIndex: number;
  /** Absolute path in the container. */
  readonly destination: string;
  /** True for a directory; a bind of a file, socket or device is mounted over a file. */
  readonly directory: boolean;
  /** The tree's host mount is read-only: writes fail with EROFS whatever the Sentry asks. */
  readonly readonly: boolean;
  /** The spec's own options, as written. */
  readonly options: readonly string[];
  /** As BootSubmount. */
  readonly group: number;
  /** What the host has mounted beneath the source, parents first; each is a mount of its own in the container too. */
  readonly beneath: readonly BootSubmount[];
}

export interface BootSubmount {
  /** Relative to the bind's source. */
  readonly path: string;
  /** Those of the host's mount, as in mountinfo. */
  readonly options: readonly string[];
  /** The peer group of the host's mounts that mounts come from; 0: none (mount_namespaces(7)). */
  readonly group: number;
}

export interface BootStrace {
  readonly enabled: boolean;
  /** Empty means every call. */
  readonly syscalls: readonly string[];
  readonly format: 'text' | 'json';
}

export interface BootDocument {
  readonly version: 1;
  readonly id: string;
  /** Init runs at once (`run`); otherwise it waits for the control request `start` (`create`). */
  readonly startNow: boolean;
  /** A program that the kernel refuses ends with a shell's status, not runc's. */
  readonly shellStatus: boolean;
  readonly spec: Spec;
  /** Host paths, for messages only: they can't be opened. */
  readonly bundle: string;
  readonly rootfs: string;
  readonly rootReadonly: boolean;
  /** `none` or `{root|all}:{memory|self|dir=/path}[,size=N]`. */
  readonly overlay2: string;
  /** none or host. */
  readonly network: string;
  /** Raw and packet sockets for those who have CAP_NET_RAW. */
  readonly netRaw: boolean;
  /** The broker decides about destinations, or logs them. */
  readonly netPolicy: boolean;
  readonly platform: string;
  readonly debug: boolean;
  readonly logFormat: 'text' | 'json';
  readonly strace: BootStrace;
  readonly fds: BootDescriptors;
  /** Numbers (in the Sentry) of the caller's descriptors 3.. to hand to the container's init, in order. */
  readonly preservedFds: readonly number[];
  /** Binds in the spec's order. */
  readonly mounts: readonly BootMount[];
  /** Uid and gid on the host that the Sentry runs as. */
  readonly hostUid: number;
  readonly hostGid: number;
  readonly hostname: string;
  readonly domainname: string;
  /**
   * In a sandbox of several: ids of the containers whose namespaces this one shares. '' is the sandbox's first
   * container; an absent one is the container's own.
   */
  readonly shared: { readonly pid?: string; readonly uts?: string; readonly ipc?: string };
  /** CPUs that the container may use: affinity, cpuset and quota (rounded up) taken together; at least 1. */
  readonly cpuCount: number;
  /** CPUs by affinity alone: as many as `update` can give. */
  readonly hostCpuCount: number;
  /** linux.resources.memory.limit, or 0 for none. */
  readonly memoryLimitBytes: number;
  /** oom_score_adj of the stubs. */
  readonly stubOomScore: number;
  /** The host's MemTotal in bytes. */
  readonly hostMemoryBytes: number;
  /** linux.resources.pids.limit, or 0 for none. */
  readonly pidsLimit: number;
  /** The container's cgroup relative to its hierarchy's root, or '' when it has none. */
  readonly cgroupPath: string;
}

/**
 * What the Sentry writes to `exit`, one JSON object per line: at most one `created` (without startNow), at most one
 * `started`, then one end. The end is the
 * Sentry's last word: the launcher kills the sandbox when it reads it, so guest output is written before.
 */
export type ExitReport =
  /** The container is ready for `start`: its mounts are made, its program was found. */
  | { readonly created: true }
  /** The container's init has been loaded and is about to run. */
  | { readonly started: true }
  /** Init ended by exit(2); the code is 0-255. */
  | { readonly exited: true; readonly code: number }
  /** Init died from a signal. */
  | { readonly signal: number }
  /** Init could not be started. `exitCode` becomes the launcher's own (127, 126, 1, …). */
  | { readonly error: string; readonly exitCode: number };

/** The gofer's own document. */
export interface GoferBootDocument {
  readonly version: 1;
  readonly fds: { readonly ready: number; readonly gofer: number; readonly debugLog?: number };
  /** Served trees: index 0 is /root in the gofer's jail, index N is /mounts/N. */
  readonly root: { readonly readonly: boolean };
  readonly mounts: readonly {
    readonly index: number;
    readonly readonly: boolean;
    /** The host's mounts come and go in it: nothing of it is kept open, or they would be busy. */
    readonly slave: boolean;
    readonly directory: boolean;
  }[];
  readonly debug: boolean;
  /** GOFER_OVERLAY_PATH is there. */
  readonly overlayDirectory: boolean;
  /** --host-uds open: unix sockets of the host's processes in its trees can be connected to. */
  readonly hostSockets: boolean;
}

/** Containers that a program serves one after the other before its image is written: see rehearsal.ts. */
export interface RehearsalDocument {
  /** In place of the gofer's jail. */
  readonly directory: string;
  readonly rounds: readonly RehearsalRound[];
}

export interface RehearsalRound {
  readonly sentry: BootDocument;
  readonly gofer: GoferBootDocument;
  /** Can be read from when the guest has shown everything. */
  readonly shown: number;
}

/** Where the gofer makes nameless files, in its jail: in memory, and where the overlay has one, in its directory. */
export const GOFER_MEMORY_PATH = '/memory';
export const GOFER_OVERLAY_PATH = '/overlay';

/** Where tree `index` is in the gofer's jail. */
export function goferTreePath(index: number): string {
  return index === 0 ? '/root' : `/mounts/${index}`;
}
