/** Makes the images of runsc/sandbox/images.ts: a bundle of its own, since it is seldom needed. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  IMAGE_EMBED_VARIABLE,
  IMAGE_FD,
  IMAGE_FIRST_FD,
  IMAGE_PROOF_STATUS,
  IMAGE_VARIABLE,
} from './boot-document.ts';
import { PROGRAM_ENVIRONMENT } from './boot-documents.ts';
import type { Images } from './images.ts';
import type { SandboxPrograms } from './package-files.ts';

/**
 * All functions are compiled, to machine code by V8's baseline compiler, since the pages that hold them are shared: so a
 * container's first second costs an eighth less. And V8 is not to look for garbage some seconds
 * after the program was loaded, which would be in each container, where the search makes shared pages own ones.
 */
const ENGINE_FLAGS = [
  '--no-lazy',
  '--always-sparkplug',
  '--no-incremental-marking',
  '--no-memory-reducer-for-small-heaps',
];

/** More than a process from an image takes to see that it has nothing to do. */
const PROOF_MS = 10_000;

/** False when it can't be done; several at once do no harm. */
export function makeImages(programs: SandboxPrograms, images: Images): boolean {
  const directory = dirname(images.sentry);
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o700);
    makeImage(programs, images, programs.sentry, images.sentry);
    makeImage(programs, images, programs.gofer, images.gofer);
    return true;
  } catch {
    return false;
  }
}

/** What cannot have an image on this machine gets an empty one, which fits nothing, so that it isn't tried again. */
function makeImage(programs: SandboxPrograms, images: Images, args: readonly string[], path: string): void {
  const temporary = `${path}.${process.pid}`;
  try {
    if (!writeImage(programs, args, temporary) || !comesToLife(programs, images, temporary)) {
      writeFileSync(temporary, '', { mode: 0o600 });
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  removeOthers(path);
}

function writeImage(programs: SandboxPrograms, args: readonly string[], path: string): boolean {
  const nothing = openSync('/dev/null', 'r+');
  const { status } = spawnSync(programs.node, [...ENGINE_FLAGS, ...args], {
    env: {
      ...Object.fromEntries(PROGRAM_ENVIRONMENT.map((variable) => variable.split('=') as [string, string])),
      [IMAGE_VARIABLE]: path,
      [IMAGE_EMBED_VARIABLE]: `${programs.directory}/`,
    },
    stdio: Array<number>(IMAGE_FIRST_FD).fill(nothing),
  });
  closeSync(nothing);
  return status === 0;
}

function comesToLife({ node }: SandboxPrograms, { restorer }: Images, path: string): boolean {
  const nothing = openSync('/dev/null', 'r+');
  const files = [openSync(path, 'r'), openSync(node, 'r')];
  const stdio = [...Array<number>(IMAGE_FD).fill(nothing), ...files];
  const { status } = spawnSync(restorer, [], { stdio, env: {}, timeout: PROOF_MS });
  for (const fd of [nothing, ...files]) closeSync(fd);
  return status === IMAGE_PROOF_STATUS;
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
