// The images of the managers' tests: made once, outside the repository (make-images.sh).

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

let made: string | undefined;

export type Image = 'busybox' | 'pause' | 'services';

/** The archive that `docker load`, `podman load` and `ctr image import` take. */
export function imageArchive(image: Image): string {
  made ??= execFileSync(join(import.meta.dirname, 'make-images.sh'), {
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  })
    .toString()
    .trim();
  return join(made, `${image}.tar`);
}

export function imageName(image: Image): string {
  return `localhost/${image}:1`;
}
