/** Images of Sentry and gofer (native/image): where a program has loaded itself and asks to be written. */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { addon } from '../../native/addon.ts';
import {
  IMAGE_EMBED_VARIABLE,
  IMAGE_FIRST_FD,
  IMAGE_VARIABLE,
  REHEARSAL_VARIABLE,
  type RehearsalDocument,
} from '../sandbox/boot-document.ts';

/**
 * Returns where a container is to be served: in an ordinary process at once, with false, or in each that is made from
 * the image that this one has written before its end, with true. What the program has done until here must be the same
 * for every container: it has read nothing but its own code. `watched`: that code, for a program that takes arguments.
 */
export function startFromImage(watched: readonly string[] = []): boolean {
  const path = process.env[IMAGE_VARIABLE];
  if (path === undefined) return false;
  poolUsed = pool.length;
  const names = watched.map((name) => `${name}\n`).join('');
  const outcome = addon.writeImage(path, process.env[IMAGE_EMBED_VARIABLE] ?? '', names);
  if (outcome !== 1) addon.exit(outcome === 0 ? 0 : 1);
  // Node's own end would wait for threads that are not in the image, and abort.
  process.on('uncaughtException', (error) => {
    const text = Buffer.from(`${error.stack ?? String(error)}\n`);
    addon.write(2, text, 0, text.length);
    addon.exit(1);
  });
  return true;
}

const pool = new Uint32Array(512);
let poolUsed = pool.length;

// V8's own numbers would be the same in each process from one image. Not later: code that a rehearsal has had optimized
// relies on Math as it is.
if (process.env[IMAGE_VARIABLE] !== undefined) Math.random = random;

/** As Math.random, from the host's generator. */
function random(): number {
  if (poolUsed === pool.length) {
    addon.random(new Uint8Array(pool.buffer), 0, pool.byteLength);
    poolUsed = 0;
  }
  const high = pool[poolUsed]! >>> 6;
  const low = pool[poolUsed + 1]! >>> 5;
  poolUsed += 2;
  return (high * 2 ** 27 + low) / 2 ** 53;
}

/** What to rehearse before startFromImage(), or null. */
export function rehearsalDocument(): RehearsalDocument | null {
  const text = process.env[REHEARSAL_VARIABLE];
  return text === undefined ? null : (JSON.parse(text) as RehearsalDocument);
}

/** Numbers of descriptors, but for those that keep numbers taken while an image is written. */
export function openDescriptors(): ReadonlySet<number> {
  return new Set(
    readdirSync('/proc/self/fd')
      .map(Number)
      .filter((fd) => fd >= IMAGE_FIRST_FD),
  );
}

/**
 * An image has no descriptors but Node's own, and these have numbers from IMAGE_FIRST_FD up: what has become free below
 * is taken again, or libuv would get some of it when the process forks to write itself.
 */
export function closeDescriptorsBut(kept: ReadonlySet<number>): void {
  for (const fd of openDescriptors()) if (!kept.has(fd)) addon.close(fd);
  let fd: number;
  do fd = openSync('/dev/null', 'r');
  while (fd < IMAGE_FIRST_FD);
  closeSync(fd);
}
