import { readFileSync } from 'node:fs';
import { addon } from '../../native/addon.ts';
import { BOOT_FD_VARIABLE, IMAGE_PROOF_STATUS } from '../sandbox/boot-document.ts';

/** The program's boot document. */
export function readBoot<T>(): T {
  const fd = Number(process.env[BOOT_FD_VARIABLE]);
  const text = readFileSync(fd, 'utf8');
  addon.close(fd);
  // Whoever has made an image wants to see that it comes to life.
  if (text === '') addon.exit(IMAGE_PROOF_STATUS);
  return JSON.parse(text) as T;
}
