/**
 * The command line as an image (native/image): all of it is loaded, and a container has been planned for practice, when it
 * is written. What comes from the image is called with the arguments, variables and descriptors of another process.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { addon } from '../../native/addon.ts';

import { closeDescriptorsBut, openDescriptors, startFromImage } from '../boot/image.ts';
import { IMAGE_PROOF_STATUS, IMAGE_VARIABLE } from '../sandbox/boot-document.ts';
import { installedPrograms } from '../sandbox/package-files.ts';
import { defaultSpec } from '../spec/default-spec.ts';

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** V8 sees each path through the code a few times before it is written. */
const REHEARSALS = 3;

type Main = (args: readonly string[]) => Promise<number>;

/** Ends the process: as the writer of the image, or as a command. */
export async function runFromImage(main: Main): Promise<never> {
  const before = openDescriptors();
  await loadCommands();
  await rehearse(main, `${process.env[IMAGE_VARIABLE]!}.bundle`);
  closeDescriptorsBut(before);
  startFromImage(installedPrograms().commandFiles);
  becomeThisProcess();
  // Whoever has made the image wants to see that it comes to life.
  if (process.argv[1] === undefined || basename(process.argv[1]) !== 'runsc.cjs')
    addon.exit(IMAGE_PROOF_STATUS);
  return addon.exit(await main(process.argv.slice(2)));
}

function loadCommands(): Promise<unknown> {
  return Promise.all([
    import('./command-line.ts'),
    import('./commands/create.ts'),
    import('./commands/delete.ts'),
    import('./commands/do.ts'),
    import('./commands/events.ts'),
    import('./commands/exec.ts'),
    import('./commands/features.ts'),
    import('./commands/kill.ts'),
    import('./commands/list.ts'),
    import('./commands/pause.ts'),
    import('./commands/ps.ts'),
    import('./commands/run.ts'),
    import('./commands/spec.ts'),
    import('./commands/start.ts'),
    import('./commands/state.ts'),
    import('./commands/update.ts'),
    import('./commands/wait.ts'),
    import('../sandbox/exec-launcher.ts'),
  ]);
}

/** Plans a container, up to where this process would become the launcher. */
async function rehearse(main: Main, directory: string): Promise<void> {
  const execve = addon.execve.bind(addon);
  addon.execve = () => -1;
  mkdirSync(directory);
  try {
    const { process: program, ...spec } = defaultSpec();
    const config = { ...spec, process: { ...program, terminal: false, args: ['true'] }, root: { path: '/' } };
    writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
    const flags = ['--root', join(directory, 'root'), '--log', '/dev/null'];
    for (let i = 0; i < REHEARSALS; i++) {
      for (const command of ['create', 'run']) await main([...flags, command, '-b', directory, 'rehearsal']);
    }
  } finally {
    addon.execve = execve;
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What Node does when it starts, and keeps of it in JavaScript. */
function becomeThisProcess(): void {
  process.argv.splice(0, process.argv.length, ...strings('/proc/self/cmdline'));
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const variable of strings('/proc/self/environ')) {
    const name = variable.slice(0, variable.indexOf('=', 1));
    if (name !== '') process.env[name] ??= variable.slice(name.length + 1);
  }
  Object.defineProperty(process, 'pid', { value: addon.getpid() });
  Object.defineProperty(process, 'reallyExit', { value: (code?: number) => addon.exit(code ?? 0) });
  try {
    // Forgets the directory that it was in.
    process.chdir('.');
  } catch {
    // It may not be entered, or is gone: so says whatever asks for it.
  }
  for (const fd of readdirSync('/proc/self/fd'))
    if (Number(fd) > 2) addon.fcntl(Number(fd), F_SETFD, FD_CLOEXEC);
}

function strings(path: string): string[] {
  return readFileSync(path, 'utf8').split('\0').slice(0, -1);
}
