/** What all of proc is made from: the kernel it shows, its filesystem, and facts of the host read before lock-down. */
import { TASK_DEAD } from '../../kernel/task.ts';
import type { Cgroup } from '../../kernel/cgroup.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Namespaces } from '../../kernel/namespaces.ts';
import type { Task } from '../../kernel/task.ts';
import type { AddressSpace } from '../../mm/address-space.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { PseudoFilesystem } from '../pseudo/filesystem.ts';

/** Generators of /proc/net's tables, filled by the network; an absent one shows an empty table. */
export interface NetTables {
  /** File name in /proc/net -> its whole text. */
  readonly files: Map<string, () => string>;
  /** Where the network has sysctls of its own: what a file below /proc/sys/net says, or null. */
  readonly sysctl?: (path: string) => string | null;
  /** Together with these: its interfaces now. */
  readonly interfaces?: () => readonly { readonly name: string; readonly index: number }[];
  /** Sysctls of /proc/sys/net that the network answers for: they take the place of the table's rows. */
  readonly sysctls?: readonly NetSysctl[];
}

export interface NetSysctl {
  readonly path: string;
  readonly show: () => string;
  /** 0 or a negated errno. */
  readonly set: (text: string) => number;
}

/** `size` ids from `containerID` on are those from `hostID` on outside. */
export interface IdRange {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface ProcOptions {
  /** Text of the host's /proc/cpuinfo: its processors' features are the guest's too. */
  readonly cpuinfo: string;
  /** Kernel command line shown to the guest. */
  readonly cmdline: string;
  readonly net: NetTables;
  /** Names for /proc/devices: character majors. */
  readonly charMajors: ReadonlyMap<number, string>;
  /** hidepid= of the mount: 0 shows all, 1 hides content, 2 hides processes of others; gid= is exempt. */
  readonly hidepid: number;
  readonly gid: number;
  /** Lines of uid_map and gid_map, user_namespaces(7); absent: the whole range as it is. */
  readonly uidMap?: readonly IdRange[];
  readonly gidMap?: readonly IdRange[];
  /** Open ptys. */
  readonly ptyCount: () => number;
  /** The container's cgroup as the guest sees it; "/" in its own namespace. */
  readonly cgroup: string;
}

export interface ProcContext {
  readonly kernel: Kernel;
  readonly fs: PseudoFilesystem;
  /** Of the container that it is mounted in. */
  readonly ns: Namespaces;
  readonly options: ProcOptions;
  /** What /proc/PID/net shows: the sandbox's only network namespace. */
  readonly net: Inode;
}

/** Memory that the container may use: its limit, or all of the host's. */
export function memoryBytes(kernel: Kernel, { memoryLimitBytes }: Cgroup): number {
  const { hostMemoryBytes } = kernel.options;
  return memoryLimitBytes > 0 ? Math.min(memoryLimitBytes, hostMemoryBytes) : hostMemoryBytes;
}

/** Ticks per second of the times in proc (USER_HZ). */
export const USER_HZ = 100;
const NS_PER_TICK = 1e9 / USER_HZ;

export function ticks(ns: number): number {
  return Math.floor(ns / NS_PER_TICK);
}

/** The task's address space; null once it has ended, and before its first program is loaded. */
export function mmOf(task: Task): AddressSpace | null {
  return task.state === TASK_DEAD ? null : task.mm;
}

export function kib(bytes: number): number {
  return Math.floor(bytes / 1024);
}

/** 16 hex digits of a 64-bit mask kept as two words. */
export function hex64(lo: number, hi: number): string {
  return hex(hi >>> 0, 8) + hex(lo >>> 0, 8);
}

export function hex(value: number, width = 0): string {
  return value.toString(16).padStart(width, '0');
}
