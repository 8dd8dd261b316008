/**
 * Who waits for priority-inheriting futexes (futex(2), "Priority-inheritance futexes"), and in what order they get
 * them. The word in guest memory says who owns one; what is here exists while somebody waits for it.
 */
import { SCHED_FIFO, SCHED_RR } from '../abi/sched.ts';
import type { Task } from './task.ts';
import { TASK_DEAD } from './task.ts';

export const FUTEX_WAITERS = 0x80000000;
export const FUTEX_OWNER_DIED = 0x40000000;
export const FUTEX_TID_MASK = 0x3fffffff;

/** A futex's identity: private memory is an address space's, shared memory the mapped object's. */
export interface FutexKey {
  readonly object: object;
  readonly offset: number;
}

export function sameKey(a: FutexKey, b: FutexKey): boolean {
  return a.object === b.object && a.offset === b.offset;
}

/** The key of a checked address, or null where nothing is mapped. */
export function futexKey(task: Task, addr: number, isPrivate: boolean): FutexKey | null {
  const vma = task.mm.map.find(addr);
  if (vma === null) return null;
  if (isPrivate || !vma.shared || vma.mappable === null) return { object: task.mm, offset: addr };
  return { object: vma.mappable, offset: vma.offset + (addr - vma.start) };
}

/** One task in a queue, until it is granted the futex or gives up. */
export class PiWaiter {
  readonly task: Task;
  readonly state: PiState;
  /** The word in the task's own address space. */
  readonly addr: number;
  granted = false;

  constructor(task: Task, state: PiState, addr: number) {
    this.task = task;
    this.state = state;
    this.addr = addr;
  }
}

export class PiState {
  readonly key: FutexKey;
  owner: Task;
  readonly waiters: PiWaiter[] = [];

  constructor(key: FutexKey, owner: Task) {
    this.key = key;
    this.owner = owner;
  }
}

/** By object, then by offset: only futexes that somebody waits for. */
const states = new WeakMap<object, Map<number, PiState>>();
const word = new Uint32Array(1);
const wordBytes = new Uint8Array(word.buffer);

export function findPiState(key: FutexKey): PiState | null {
  return states.get(key.object)?.get(key.offset) ?? null;
}

/** True when `task` would wait for a futex whose owner waits, directly or not, for `task`. */
export function wouldDeadlock(task: Task, owner: Task): boolean {
  for (let at: Task | null = owner; at !== null; at = at.piWaiter?.state.owner ?? null)
    if (at === task) return true;
  return false;
}

/** Puts the task in line: by real-time priority, then by time. */
export function enqueuePi(task: Task, key: FutexKey, owner: Task, addr: number): PiWaiter {
  let state = findPiState(key);
  if (state === null) {
    state = new PiState(key, owner);
    const map = states.get(key.object) ?? new Map<number, PiState>();
    states.set(key.object, map);
    map.set(key.offset, state);
    own(owner, state);
  }
  const waiter = new PiWaiter(task, state, addr);
  const priority = priorityOf(task);
  let at = state.waiters.length;
  while (at > 0 && priorityOf(state.waiters[at - 1]!.task) < priority) at--;
  state.waiters.splice(at, 0, waiter);
  task.piWaiter = waiter;
  return waiter;
}

/** The waiter gives up, or has been granted the futex. */
export function dequeuePi(waiter: PiWaiter): void {
  const { state, task } = waiter;
  if (task.piWaiter === waiter) task.piWaiter = null;
  const at = state.waiters.indexOf(waiter);
  if (at < 0) return;
  state.waiters.splice(at, 1);
  if (state.waiters.length === 0) forget(state);
}

/** The next in line gets the futex: 0, or -EFAULT with nothing changed. */
export function grantPi(state: PiState, ownerDied: boolean): number {
  const next = state.waiters.find((waiter) => !waiter.task.killed && waiter.task.state !== TASK_DEAD);
  if (next === undefined) {
    forget(state);
    return 0;
  }
  const { task } = next;
  // Nobody else may change it: its owner is here, and with waiters user space leaves it alone.
  word[0] = (FUTEX_WAITERS | (ownerDied ? FUTEX_OWNER_DIED : 0) | task.tid) >>> 0;
  const r = task.mm.space.write(next.addr, wordBytes, 0, 4);
  if (r < 0 && !ownerDied) return r;
  state.owner.piOwned?.delete(state);
  state.owner = task;
  own(task, state);
  next.granted = true;
  dequeuePi(next);
  task.makeRunnable();
  return 0;
}

/** The task ends, or starts another program: what it owns passes on (FUTEX_OWNER_DIED). */
export function leavePi(task: Task): void {
  const owned = task.piOwned;
  if (owned === null) return;
  task.piOwned = null;
  for (const state of owned) grantPi(state, true);
}

function own(task: Task, state: PiState): void {
  (task.piOwned ??= new Set()).add(state);
}

function forget(state: PiState): void {
  state.owner.piOwned?.delete(state);
  const map = states.get(state.key.object);
  if (map?.get(state.key.offset) !== state) return;
  map.delete(state.key.offset);
  if (map.size === 0) states.delete(state.key.object);
}

function priorityOf(task: Task): number {
  return task.policy === SCHED_FIFO || task.policy === SCHED_RR ? task.rtPriority : 0;
}
