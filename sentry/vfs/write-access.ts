/** ETXTBSY: a file is either written to or executed. Inode.writers counts writers above zero, denials below. */
import { ETXTBSY } from '../abi/errno.ts';
import type { Inode } from './inode.ts';

export function takeWriteAccess(inode: Inode): number {
  if (inode.writers < 0) return -ETXTBSY;
  inode.writers++;
  return 0;
}
export function dropWriteAccess(inode: Inode): void {
  inode.writers--;
}

/** For execve and running programs: nobody may open it for writing until allowWrites. */
export function denyWrites(inode: Inode): number {
  if (inode.writers > 0) return -ETXTBSY;
  inode.writers--;
  return 0;
}
export function allowWrites(inode: Inode): void {
  inode.writers++;
}
