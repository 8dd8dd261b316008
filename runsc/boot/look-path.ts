/** Finds a container's program as runc does (Go's exec.LookPath), in the same words. */
import { EACCES, ENOENT, ENOTDIR } from '../../sentry/abi/errno.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { resolve } from '../../sentry/vfs/walk.ts';
import { openExecutable } from '../../syscalls/process/exec.ts';
import { errnoText } from './errno-text.ts';
import { StartError } from './start-error.ts';

/** A shell's statuses for a program that cannot be run: `runsc do` ends with them. */
const EXIT_NOT_FOUND = 127;
export const EXIT_NOT_EXECUTABLE = 126;

const ANY_EXECUTE = 0o111;

/** The program's path, looked for in `envp`'s PATH when its name has no slash. Throws a StartError. */
export function lookPath(task: Task, program: string, envp: readonly string[]): string {
  if (program.includes('/')) {
    const r = findExecutable(task, program);
    if (r < 0) throw notFound(program, `stat ${program}: ${errnoText(r)}`, r);
    if (r === NOT_EXECUTABLE) throw notFound(program, errnoText(EACCES), -EACCES);
    return program;
  }
  const search = envp.find((text) => text.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  for (const directory of search === '' || program === '' ? [] : search.split(':')) {
    const path = directory === '' ? program : `${directory.replace(/\/+$/, '')}/${program}`;
    if (findExecutable(task, path) !== EXECUTABLE) continue;
    if (path.startsWith('/')) return path;
    throw notFound(program, 'cannot run executable found relative to current directory', -EACCES);
  }
  throw notFound(program, 'executable file not found in $PATH', -ENOENT);
}

/** Opens what lookPath() found, with all of execve's checks. Throws a StartError. */
export function openProgram(task: Task, path: string): FileDescription {
  const file = openExecutable(task, null, path, 0);
  if (typeof file !== 'number') return file;
  const text = file === -EACCES ? `eaccess ${path}` : `exec ${path}`;
  throw new StartError(`${text}: ${errnoText(file)}`, EXIT_NOT_EXECUTABLE);
}

const EXECUTABLE = 0;
const NOT_EXECUTABLE = 1;

/** EXECUTABLE, NOT_EXECUTABLE or a negated errno: for somebody, which need not be this task's user. */
function findExecutable(task: Task, name: string): number {
  const path = resolve(task, null, name, 0);
  if (typeof path === 'number') return path;
  const { mode } = path.dentry.inode!;
  return (mode & S_IFMT) === S_IFDIR || (mode & ANY_EXECUTE) === 0 ? NOT_EXECUTABLE : EXECUTABLE;
}

function notFound(program: string, reason: string, errno: number): StartError {
  const code = errno === -ENOENT || errno === -ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
  return new StartError(`exec: "${program}": ${reason}`, code);
}
