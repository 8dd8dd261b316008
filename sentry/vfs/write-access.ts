/**
 * ETXTBSY: a file is either written to or executed. Inode.writers counts writers above zero, and below it the
 * address spaces that run it (sentry/mm/address-space.ts, setExecutable).
 */
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
