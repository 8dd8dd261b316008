// The lock on a container's state directory: held by whoever removes it. The kernel lets go of it with its holder.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';

/** flock(2). */
const LOCK_EX = 2;

/** Runs `work` alone with the directory; `work` gets false when there is no such directory. */
export async function withLock<T>(directory: string, work: (exists: boolean) => Promise<T>): Promise<T> {
  const fd = await lock(directory);
  try {
    return await work(fd >= 0);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** A locked descriptor of the directory, or -1. */
async function lock(directory: string): Promise<number> {
  const { addon } = await import('../../native/addon.ts');
  for (;;) {
    let fd: number;
    try {
      fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return -1;
      throw error;
    }
    const result = addon.flock(fd, LOCK_EX);
    if (result < 0) throw new Error(`lock ${directory}: errno ${-result}`);
    // Meanwhile it may have been removed, and the id taken by another container.
    if (statSync(directory, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
    closeSync(fd);
  }
}
