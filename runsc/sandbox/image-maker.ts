/** Makes the images of runsc/sandbox/images.ts: a bundle of its own, since it is seldom needed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { kill } from 'node:process';
import {
  IMAGE_EMBED_VARIABLE,
  IMAGE_FD,
  IMAGE_FIRST_FD,
  IMAGE_PROOF_STATUS,
  IMAGE_VARIABLE,
  REHEARSAL_VARIABLE,
  STUB_FD,
} from './boot-document.ts';
import { PROGRAM_ENVIRONMENT } from './boot-documents.ts';
import type { Images } from './images.ts';
import type { SandboxPrograms } from './package-files.ts';
import { Rehearsal } from './rehearsal.ts';

/**
 * All functions are compiled, to machine code by V8's baseline compiler, since the pages that hold them are shared: so a
 * container's first second costs an eighth less. And V8 is not to look for garbage some seconds
 * after the program was loaded, which would be in each container, where the search makes shared pages own ones. What a
 * rehearsal has not used stays compiled, and the hidden classes that it has met stay known.
 */
const ENGINE_FLAGS = [
  '--no-lazy',
  '--always-sparkplug',
  '--no-incremental-marking',
  '--no-memory-reducer-for-small-heaps',
  '--no-flush-bytecode',
  '--retain-maps-for-n-gc=1000000',
];

/** More than a process from an image takes to see that it has nothing to do. */
const PROOF_MS = 60_000;

/** More than a rehearsal takes; should its guest hang, there are images without. */
const REHEARSAL_MS = 300_000;

type Program = 'sentry' | 'gofer' | 'command';

/** What is older was left behind by somebody who was killed. */
const STALE_MS = 10 * 60_000;

/** False when it can't be done, or somebody else is about it: they take seconds, in which Node starts as well. */
export async function makeImages(
  programs: SandboxPrograms,
  images: Images,
  names: readonly Program[],
): Promise<boolean> {
  const directory = dirname(images.sentry);
  // Whoever makes images has this directory meanwhile, which is also where the rehearsal's files are.
  const stage = join(directory, 'stage');
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o700);
    if (Date.now() - (statSync(stage, { throwIfNoEntry: false })?.ctimeMs ?? Infinity) > STALE_MS)
      rmSync(stage, { recursive: true, force: true });
    mkdirSync(stage);
  } catch {
    return false;
  }
  try {
    const rehearsal = names.includes('sentry') ? prepareRehearsal(programs, stage) : null;
    const made = names.map((name) =>
      makeImage(programs, images, name, name === 'command' ? null : rehearsal),
    );
    rehearsal?.handedOver();
    await Promise.all(made);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Null where there is nothing to rehearse with. */
function prepareRehearsal({ directory }: SandboxPrograms, stage: string): Rehearsal | null {
  const guests = join(directory, 'build/Release');
  return existsSync(join(guests, 'rehearsal')) ? new Rehearsal(guests, stage) : null;
}

/** What cannot have an image on this machine gets an empty one, which fits nothing, so that it isn't tried again. */
async function makeImage(
  programs: SandboxPrograms,
  images: Images,
  name: Program,
  rehearsal: Rehearsal | null,
): Promise<void> {
  const path = images[name];
  const temporary = `${path}.${process.pid}`;
  const made = async (how: Rehearsal | null): Promise<boolean> =>
    (await writeImage(programs, name, temporary, how)) && comesToLife(programs, images, temporary);
  try {
    if (!(rehearsal !== null && (await made(rehearsal))) && !(await made(null)))
      writeFileSync(temporary, '', { mode: 0o600 });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  if (name !== 'command') removeOthers(path);
}

async function writeImage(
  programs: SandboxPrograms,
  name: Program,
  path: string,
  rehearsal: Rehearsal | null,
): Promise<boolean> {
  const nothing = openSync('/dev/null', 'r+');
  const stub = openSync(programs.stub, 'r');
  const stdio = Array<number>(IMAGE_FIRST_FD).fill(nothing);
  stdio[STUB_FD] = stub;
  if (name !== 'command') rehearsal?.place(stdio, name);
  const program = spawn(programs.node, [...ENGINE_FLAGS, ...programs[name]], {
    env: {
      ...Object.fromEntries(PROGRAM_ENVIRONMENT.map((variable) => variable.split('=') as [string, string])),
      [IMAGE_VARIABLE]: path,
      [IMAGE_EMBED_VARIABLE]: `${programs.directory}/`,
      ...(rehearsal === null ? {} : { [REHEARSAL_VARIABLE]: JSON.stringify(rehearsal.document) }),
    },
    stdio,
    timeout: REHEARSAL_MS,
    killSignal: 'SIGKILL',
    detached: true,
  });
  closeSync(nothing);
  closeSync(stub);
  const [status] = (await once(program, 'exit')) as [number | null];
  endGroup(program.pid);
  return status === 0;
}

/** Guests of a rehearsal that has been given up, or stubs that were still being made when it was over. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
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
