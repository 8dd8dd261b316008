/**
 * Images of the Sentry and the gofer as they are when they have loaded themselves (native/image): from those a container
 * starts in a fraction of the time, and shares most of their memory with all others. They belong to one build of the
 * programs, one Node and one kernel, which is what their names say; there is one set of them beside the bundles.
 */
import { existsSync, statSync } from 'node:fs';
import { release, uptime } from 'node:os';
import { join } from 'node:path';
import type { SandboxPrograms } from './package-files.ts';

/** Paths of the images. */
export interface Images {
  readonly restorer: string;
  readonly sentry: string;
  readonly gofer: string;
  /** The command line's, for `native/front`: always of the same name. */
  readonly command: string;
}

/**
 * The images for these programs, made if they aren't there: some seconds, once. Null where that is impossible: on
 * another architecture, without the right to write into the package, or as another user than its owner.
 */
export async function findImages(programs: SandboxPrograms): Promise<Images | null> {
  const images = plannedImages(programs);
  if (images === null) return null;
  const complete = existsSync(images.sentry) && existsSync(images.gofer);
  if (!complete || isOfEarlierBoot(images.command)) {
    const { makeImages } = await import('./image-maker.ts');
    const made = await makeImages(programs, images, complete ? ['command'] : ['command', 'sentry', 'gofer']);
    if (!made && !complete) return null;
  }
  return images;
}

/** Node's timers would not bear it (native/image). */
function isOfEarlierBoot(path: string): boolean {
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
  return made < Date.now() - uptime() * 1000;
}

/** Where they are, or would be. */
export function plannedImages(programs: SandboxPrograms): Images | null {
  const { directory, node, files, commandFiles } = programs;
  const restorer = join(directory, 'build/Release/restore');
  const dist = join(directory, 'dist');
  // An image is for its owner's eyes, and code like the bundles beside it.
  if (!programs.images || !existsSync(restorer) || statSync(dist).uid !== process.getuid?.()) return null;
  let key = release();
  for (const file of [node, ...files.map((name) => join(directory, name)), ...commandFiles]) {
    const status = statSync(file, { throwIfNoEntry: false });
    if (status !== undefined) key += `-${Math.round(status.mtimeMs).toString(36)}`;
  }
  const images = join(dist, 'images');
  return {
    restorer,
    sentry: join(images, `sentry-${key}`),
    gofer: join(images, `gofer-${key}`),
    command: join(images, 'command'),
  };
}
