/** The environment of a container's process, as runc makes it. */
import { O_RDONLY } from '../../sentry/abi/fcntl.ts';
import { S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { resolve } from '../../sentry/vfs/walk.ts';

const PASSWD = '/etc/passwd';
/** What is looked through for a home directory. */
const PASSWD_LIMIT_BYTES = 1 << 20;

/** A variable that is set twice keeps its first place and its last value; HOME comes from the user's passwd entry. */
export function completeEnvironment(task: Task, env: readonly string[]): string[] {
  const variables = new Map<string, string>();
  for (const text of env) {
    const at = text.indexOf('=');
    variables.set(text.slice(0, at), text.slice(at + 1));
  }
  if ((variables.get('HOME') ?? '') === '') variables.set('HOME', homeOf(task));
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function homeOf(task: Task): string {
  const uid = String(task.creds.uid);
  for (const line of readText(task, PASSWD).split('\n')) {
    const fields = line.split(':');
    if (fields[2] === uid && fields[5] !== undefined) return fields[5];
  }
  return '/';
}

/** Empty for a file that can't be read. */
function readText(task: Task, name: string): string {
  const path = resolve(task, null, name, 0);
  if (typeof path === 'number') return '';
  const inode = path.dentry.inode!;
  // The container may have put anything there: nothing that would make its reader wait.
  if ((inode.mode & S_IFMT) !== S_IFREG) return '';
  const file = inode.open(path, O_RDONLY, task);
  if (typeof file === 'number') return '';
  file.incRef();
  const chunk = Buffer.allocUnsafe(PASSWD_LIMIT_BYTES);
  let length = 0;
  for (let n = 1; n > 0 && length < chunk.length; length += Math.max(n, 0)) {
    n = file.pread(chunk, length, chunk.length - length, length, task);
  }
  file.decRef();
  return chunk.latin1Slice(0, length);
}
