/** Images of Sentry and gofer (native/image): where a program has loaded itself and asks to be written. */
import { addon } from '../../native/addon.ts';
import { IMAGE_EMBED_VARIABLE, IMAGE_VARIABLE } from '../sandbox/boot-document.ts';

/**
 * Returns where a container is to be served: in an ordinary process at once, with false, or in each that is made from
 * the image that this one has written before its end, with true. What the program has done until here must be the same
 * for every container: it has read nothing but its own code.
 */
export function startFromImage(): boolean {
  const path = process.env[IMAGE_VARIABLE];
  if (path === undefined) return false;
  const outcome = addon.writeImage(path, process.env[IMAGE_EMBED_VARIABLE] ?? '');
  if (outcome !== 1) addon.exit(outcome === 0 ? 0 : 1);
  // Node's own end would wait for threads that are not in the image, and abort.
  process.on('uncaughtException', (error) => {
    const text = Buffer.from(`${error.stack ?? String(error)}\n`);
    addon.write(2, text, 0, text.length);
    addon.exit(1);
  });
  return true;
}
