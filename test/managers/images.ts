// The images of the managers' tests: made once, outside the repository (make-images.sh).

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

let made: string | undefined;

export type Image = 'busybox' | 'pause' | 'services';

function directory(): string {
  made ??= execFileSync(join(import.meta.dirname, 'make-images.sh'), {
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  })
    .toString()
    .trim();
  return made;
}

/** The archive that `docker load`, `podman load` and `ctr image import` take. */
export function imageArchive(image: Image): string {
  return join(directory(), `${image}.tar`);
}

/** A Debian repository with the package hello. */
export function debianMirror(): string {
  return join(directory(), 'mirror');
}

export function imageName(image: Image): string {
  return `localhost/${image}:1`;
}
