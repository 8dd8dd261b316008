/** Who calls runsc under unusual circumstances gets a container, or one line that says what is in the way. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { canRun, execute, type Executed, runsc } from '../support/sandbox.ts';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** Runs a shell script whose "$@" is `runsc do` with a state directory of its own. */
function call(script: string): Promise<Executed> {
  const state = mkdtempSync(join(tmpdir(), 'runsc-caller-'));
  made.push(state);
  mkdirSync(join(state, 'gone'));
  const command = [runsc, '--root', join(state, 'state'), 'do', '--root', '/'];
  return execute('bash', ['-c', `cd ${state}; ${script}`, 'caller', ...command], { timeoutMs: 300_000 });
}

const within = [
  ['descriptors 0 to 2 closed', `"$@" sh -c 'exit 0' <&- >&- 2>&-`, ''],
  ['an empty environment', 'env -i "$@" /bin/echo hello', 'hello\n'],
  ['umask 077, which is not the container’s', 'umask 077; "$@" sh -c umask', '0022\n'],
  ['a soft limit of 64 open files', 'ulimit -S -n 64; "$@" echo hello', 'hello\n'],
  ['a new session', 'setsid -w "$@" echo hello', 'hello\n'],
  ['ignored hang-ups', 'nohup "$@" echo hello', 'hello\n'],
  ['many descriptors', 'for i in {100..900}; do eval "exec $i</dev/null"; done; "$@" echo hello', 'hello\n'],
] as const;

const refused = [
  [
    'no more than 64 open files',
    'ulimit -n 64; "$@" true',
    /^\S+ level=error msg="runsc do failed: runsc needs a limit of \d+ open files \(ulimit -n\)"$/,
  ],
  [
    'little address space',
    'ulimit -v 4000000; "$@" true',
    /^\S+ level=error msg="runsc do failed: systrap: cannot reserve the arena: errno 12 \(is there a limit of address space, ulimit -v\?\)"$/,
  ],
  [
    'a working directory that is gone',
    'cd gone; rmdir ../gone; "$@" true',
    /level=error msg="runsc do failed: the working directory does not exist any more"$/,
  ],
] as const;

describe.skipIf(!canRun)('callers with', () => {
  test.each(within)('%s', { timeout: 600_000 }, async (_, script, output) => {
    const { status, stdout, stderr } = await call(script);
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: output });
  });

  test.each(refused)('%s are told', { timeout: 600_000 }, async (_, script, message) => {
    const { status, stdout, stderr } = await call(script);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n').at(-1)).toMatch(message);
    expect(status).not.toBe(0);
  });
});
