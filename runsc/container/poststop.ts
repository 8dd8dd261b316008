// poststop hooks, for `delete`. The other hooks are run by the launcher.

import { spawn } from 'node:child_process';
import { getSystemErrorMap } from 'node:util';

import type { StoredState } from './state.ts';
import type { Hook } from '../spec/spec.ts';

/** How much of its output an error tells. */
const OUTPUT_LIMIT = 512;

/** Runs all of them, whatever becomes of those before; a failure is told to `warn`. */
export async function runPoststopHooks(stored: StoredState, warn: (message: string) => void): Promise<void> {
  const { ociVersion, id, bundle, annotations } = stored;
  const state = { ociVersion, id, status: 'stopped', bundle, ...(annotations && { annotations }) };
  for (const [index, hook] of (stored.poststop ?? []).entries()) {
    const failure = await runHook(hook, JSON.stringify(state));
    if (failure !== null) warn(`error running hook #${index}: ${failure}`);
  }
}

/** Null, or what went wrong in runc's words. */
function runHook({ path, args = [], env = [], timeout }: Hook, state: string): Promise<string | null> {
  const [argv0 = path, ...rest] = args;
  const environment = Object.fromEntries(env.map((text) => splitOnce(text, '=')));
  // A group of its own: what a hook has started ends with it when it takes too long.
  const child = spawn(path, rest, { argv0, env: environment, detached: true });
  const read = (stream: NodeJS.ReadableStream): { text: string } => {
    const output = { text: '' };
    stream.on('data', (chunk: Buffer) => {
      if (output.text.length < OUTPUT_LIMIT) output.text += chunk.toString().slice(0, OUTPUT_LIMIT);
    });
    return output;
  };
  const [stdout, stderr] = [read(child.stdout), read(child.stderr)];
  // A hook need not read.
  child.stdin.on('error', () => undefined).end(state);
  return new Promise((resolve) => {
    let late = false;
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            process.kill(-child.pid!, 'SIGKILL');
          }, timeout * 1000);
    const done = (failure: string | null): void => {
      clearTimeout(timer);
      // A process that the hook left behind may hold its output open.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(failure);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      const reason = getSystemErrorMap().get(error.errno ?? 0)?.[1] ?? error.message;
      done(`fork/exec ${path}: ${reason}`);
    });
    child.on('exit', (code, signal) => {
      if (late) done(`hook ran past specified timeout of ${timeout!.toFixed(1)}s`);
      else if (code === 0) done(null);
      else {
        const end = signal === null ? `exit status ${code!}` : `signal: ${signal}`;
        done(`error running hook: ${end}, stdout: ${stdout.text}, stderr: ${stderr.text}`);
      }
    });
  });
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
