// Writing to the standard descriptors at once and completely: process.stdout would make pipes non-blocking,
// and they are shared with the container that follows in the same process.

import { writeSync } from 'node:fs';

export const STDOUT = 1;
export const STDERR = 2;

const RETRY_MS = 2;

/** Writes all of `text`; a reader that has gone away ends the program as SIGPIPE would, with 141. */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(141);
      if (code !== 'EAGAIN') throw error;
      // Somebody else made the pipe non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
