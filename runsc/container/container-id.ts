// Container ids: what they may look like, and where their state is.

import { join } from 'node:path';

/** Throws in runc's words. An id is a directory name under --root, so `.` and `..` are none. */
export function checkContainerId(id: string): void {
  if (id === '') throw new Error('container id cannot be empty');
  if (!/^[\w+,\-.]+$/.test(id) || id === '.' || id === '..') throw new Error('invalid container ID format');
}

export function stateDirectory(root: string, id: string): string {
  checkContainerId(id);
  return join(root, id);
}
