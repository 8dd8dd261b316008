/** Device numbers of filesystems without a device: 0:N, as Linux gives to tmpfs, proc and overlay. */
import { makedev } from '../abi/stat.ts';

let minors = 20;

export function newAnonymousDev(): number {
  return makedev(0, ++minors);
}
