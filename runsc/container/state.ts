// A container's state: what state.json says, checked against the process that it names.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { stateDirectory } from './container-id.ts';
import { isAlive } from './host-process.ts';

import type { RuntimeOptions } from './container.ts';
import type { Hook } from '../spec/spec.ts';

export type ContainerStatus = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** runtime.md, "State", and runc's additions. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** The launcher's, which stands in for the container on the host; 0 when stopped. */
  readonly pid: number;
  readonly status: ContainerStatus;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export type ListedState = ContainerState;

/** state.json, as run.ts and the launcher write it together. */
export interface StoredState {
  readonly pid: number;
  /** Start time of `pid` in clock ticks since boot, proc_pid_stat(5) field 22. */
  readonly startTicks: number;
  readonly status: ContainerStatus;
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of a container in a pod: the container whose Sentry it shares. */
  readonly sandbox?: string;
  /** Cgroup directories, for `delete` of a container that outlived its launcher. */
  readonly cgroups: readonly string[];
  /** --systemd-cgroup: the name of its scope. */
  readonly unit?: string;
  /** Hooks that `delete` runs. */
  readonly poststop?: readonly Hook[];
}

/** What this module knows about a container on disk. */
export interface KnownContainer {
  readonly directory: string;
  readonly stored: StoredState;
  readonly status: ContainerStatus;
}

/** Throws `container does not exist`. */
export function loadState(options: RuntimeOptions, id: string): ContainerState {
  return toState(findContainer(options.root, id), '');
}

/** Every container under --root, in the order of their ids, with the owner's name. */
export function listStates(options: RuntimeOptions): ListedState[] {
  let names: string[];
  try {
    names = readdirSync(options.root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const states: ListedState[] = [];
  for (const name of names.sort()) {
    try {
      const known = findContainer(options.root, name);
      states.push(toState(known, userName(statSync(known.directory).uid)));
    } catch {
      // Being made or removed at this moment, or not a container's directory.
    }
  }
  return states;
}

/** As `runc state` prints it: two spaces, and no newline at the end. */
export function formatState(state: ContainerState): string {
  return JSON.stringify(state, null, 2);
}

/** Throws `container does not exist` for an id without a readable state.json. */
export function findContainer(root: string, id: string): KnownContainer {
  const directory = stateDirectory(root, id);
  let text: string;
  try {
    text = readFileSync(join(directory, 'state.json'), 'utf8');
  } catch (cause) {
    throw new Error('container does not exist', { cause });
  }
  const stored = parseState(text);
  return { directory, stored, status: isAlive(stored.pid, stored.startTicks) ? stored.status : 'stopped' };
}

/** A host that crashed may have left anything in the file. */
function parseState(text: string): StoredState {
  let stored: Partial<StoredState> | null;
  try {
    stored = JSON.parse(text) as Partial<StoredState> | null;
  } catch {
    stored = null;
  }
  if (typeof stored?.pid !== 'number' || typeof stored.id !== 'string' || !Array.isArray(stored.cgroups))
    throw new Error('the state of the container is damaged: only delete --force can deal with it');
  return stored as StoredState;
}

function toState({ stored, status }: KnownContainer, owner: string): ContainerState {
  return {
    ociVersion: stored.ociVersion,
    id: stored.id,
    pid: status === 'stopped' ? 0 : stored.pid,
    status,
    bundle: stored.bundle,
    rootfs: stored.rootfs,
    created: stored.created,
    ...(stored.annotations === undefined ? {} : { annotations: stored.annotations }),
    owner,
  };
}

/** passwd(5); `#1000` for a user without a name, as runc prints it. */
function userName(uid: number): string {
  try {
    for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
      const [name, , id] = line.split(':');
      if (name !== undefined && id === String(uid)) return name;
    }
  } catch {
    // No such file: the number will do.
  }
  return `#${uid}`;
}
