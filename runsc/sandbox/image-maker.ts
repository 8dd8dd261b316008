/** Makes the images of runsc/sandbox/images.ts: a bundle of its own, since it is seldom needed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { IMAGE_EMBED_VARIABLE, IMAGE_FIRST_FD, IMAGE_VARIABLE } from './boot-document.ts';
import { PROGRAM_ENVIRONMENT } from './boot-documents.ts';
import type { Images } from './images.ts';
import type { SandboxPrograms } from './package-files.ts';

/**
 * All functions are compiled, since the pages that hold them are shared. And V8 is not to look for garbage some seconds
 * after the program was loaded, which would be in each container, where the search makes shared pages own ones.
 */
const ENGINE_FLAGS = ['--no-lazy', '--no-memory-reducer-for-small-heaps'];

/** False when it can't be done; several at once do no harm. */
export function makeImages(programs: SandboxPrograms, images: Images): boolean {
  const directory = dirname(images.sentry);
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o700);
    return (
      makeImage(programs, programs.sentry, images.sentry) && makeImage(programs, programs.gofer, images.gofer)
    );
  } catch {
    return false;
  }
}

function makeImage(programs: SandboxPrograms, args: readonly string[], path: string): boolean {
  const temporary = `${path}.${process.pid}`;
  const nothing = openSync('/dev/null', 'r+');
  const { status } = spawnSync(programs.node, [...ENGINE_FLAGS, ...args], {
    env: {
      ...Object.fromEntries(PROGRAM_ENVIRONMENT.map((variable) => variable.split('=') as [string, string])),
      [IMAGE_VARIABLE]: temporary,
      [IMAGE_EMBED_VARIABLE]: `${programs.directory}/`,
    },
    stdio: Array<number>(IMAGE_FIRST_FD).fill(nothing),
  });
  closeSync(nothing);
  if (status === 0) {
    renameSync(temporary, path);
    removeOthers(path);
  } else {
    rmSync(temporary, { force: true });
  }
  return status === 0;
}

/** Of earlier builds. What runs from one has it open. */
function removeOthers(path: string): void {
  const [name, directory] = [basename(path), dirname(path)];
  const program = name.slice(0, name.indexOf('-') + 1);
  for (const other of readdirSync(directory)) {
    const temporary = /\.\d+$/.test(other);
    if (other.startsWith(program) && other !== name && !temporary)
      rmSync(join(directory, other), { force: true });
  }
}
