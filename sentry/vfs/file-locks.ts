/**
 * Advisory locks of one inode: flock(2) locks belong to open file descriptions, POSIX record locks (fcntl(2)) to
 * processes, open-file-description locks to descriptions. Nothing waits here: callers get the conflict and a queue.
 */
import { WaitQueue } from '../base/wait-queue.ts';
import { F_UNLCK, F_WRLCK } from '../abi/fcntl.ts';
import type { Inode } from './inode.ts';

/** A process id for POSIX locks, the description itself for OFD locks. */
export type LockOwner = number | object;

/** A record lock on bytes [start, end]; end is Infinity for "to the end of the file, however it grows". */
export interface RecordLock {
  readonly owner: LockOwner;
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

class FileLocks {
  /** LOCK_SH or LOCK_EX by description. */
  readonly flocks = new Map<object, number>();
  /** Sorted by start. */
  records: RecordLock[] = [];
  /** Told whenever a lock is released or weakened. */
  readonly queue = new WaitQueue();
}

const SHARED = 1;
const EXCLUSIVE = 2;
const POLLIN = 1;

/** Which process waits for which owner: F_SETLKW's deadlock detection. */
const waits = new Map<LockOwner, LockOwner>();

export function lockQueue(inode: Inode): WaitQueue {
  return locksOf(inode).queue;
}

// ---- flock

/** Takes, converts or (type 0) releases a flock; false when another description's lock is in the way. */
export function setFlock(inode: Inode, file: object, type: number): boolean {
  const locks = locksOf(inode);
  const old = locks.flocks.get(file) ?? 0;
  if (type === 0) {
    if (locks.flocks.delete(file)) locks.queue.notify(POLLIN);
    return true;
  }
  if (type === old) return true;
  // A conversion is not atomic (flock(2)): the old lock goes first, whatever comes of the new one.
  if (old !== 0) {
    locks.flocks.delete(file);
    if (old === EXCLUSIVE) locks.queue.notify(POLLIN);
  }
  for (const held of locks.flocks.values()) {
    if (type === EXCLUSIVE || held !== SHARED) return false;
  }
  locks.flocks.set(file, type);
  return true;
}

// ---- record locks

/** The first lock that keeps `owner` from locking the range, or null. */
export function findConflict(
  inode: Inode,
  owner: LockOwner,
  type: number,
  start: number,
  end: number,
): RecordLock | null {
  if (inode.locks === null) return null;
  for (const lock of (inode.locks as FileLocks).records) {
    if (lock.start > end) break;
    if (lock.owner === owner || lock.end < start) continue;
    if (type === F_WRLCK || lock.type === F_WRLCK) return lock;
  }
  return null;
}

/** Sets or (F_UNLCK) clears the owner's lock on the range; null when done, else the conflict. */
export function setRecordLock(
  inode: Inode,
  owner: LockOwner,
  type: number,
  start: number,
  end: number,
): RecordLock | null {
  if (type !== F_UNLCK) {
    const conflict = findConflict(inode, owner, type, start, end);
    if (conflict !== null) return conflict;
  } else if (inode.locks === null) {
    return null;
  }
  const locks = locksOf(inode);
  const kept: RecordLock[] = [];
  let from = start;
  let to = end;
  let released = false;
  for (const lock of locks.records) {
    if (lock.owner !== owner) {
      kept.push(lock);
      continue;
    }
    // Same kind, touching or overlapping: grows the new one.
    if (lock.type === type && lock.start <= to + 1 && lock.end + 1 >= from) {
      from = Math.min(from, lock.start);
      to = Math.max(to, lock.end);
      continue;
    }
    if (lock.end < start || lock.start > end) {
      kept.push(lock);
      continue;
    }
    released = true;
    if (lock.start < start) kept.push({ owner, type: lock.type, start: lock.start, end: start - 1 });
    if (lock.end > end) kept.push({ owner, type: lock.type, start: end + 1, end: lock.end });
  }
  if (type !== F_UNLCK) kept.push({ owner, type, start: from, end: to });
  kept.sort((a, b) => a.start - b.start);
  locks.records = kept;
  if (released) locks.queue.notify(POLLIN);
  return null;
}

/** Every record lock of the inode, for /proc/locks. */
export function recordLocks(inode: Inode): readonly RecordLock[] {
  return inode.locks === null ? [] : (inode.locks as FileLocks).records;
}

/** Notes that `owner` is about to wait for `holder`; true when that closes a circle (EDEADLK). */
export function wouldDeadlock(owner: LockOwner, holder: LockOwner): boolean {
  let at: LockOwner | undefined = holder;
  for (let hops = 0; at !== undefined && hops < 64; hops++) {
    if (at === owner) return true;
    at = waits.get(at);
  }
  waits.set(owner, holder);
  return false;
}
export function stopWaiting(owner: LockOwner): void {
  waits.delete(owner);
}

// ---- ends

/** A process closed one of its descriptors of the file: all its POSIX locks there go (fcntl(2)). */
export function dropProcessLocks(inode: Inode, pid: number): void {
  setRecordLock(inode, pid, F_UNLCK, 0, Infinity);
}

/** The last descriptor of a description was closed. */
export function dropDescriptionLocks(inode: Inode, file: object): void {
  const locks = inode.locks as FileLocks;
  if (locks.flocks.delete(file)) locks.queue.notify(POLLIN);
  setRecordLock(inode, file, F_UNLCK, 0, Infinity);
}

function locksOf(inode: Inode): FileLocks {
  return (inode.locks ??= new FileLocks()) as FileLocks;
}
