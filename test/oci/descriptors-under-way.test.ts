/** unix(7), ETOOMANYREFS: what other programs of the gofer's user have under way must not end a container. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { canRun, execute, runsc } from '../support/sandbox.ts';

// A user that runs nothing else: what root has under way counts for everything that runs beside this test.
const USER = 54_329;
const AS_USER = ['--reuid', String(USER), '--regid', String(USER), '--clear-groups', '--inh-caps=-all'];

/** Sends more descriptors than any process may open to where nobody receives them, says so, and ends with its input. */
const flood = `
import array, errno, os, resource, socket, sys
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
some = array.array('i', [os.open('/dev/null', os.O_RDONLY)] * 253)
kept = []
try:
    while True:
        kept.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
        kept[-1][0].setblocking(False)
        try:
            while True:
                kept[-1][0].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, some)])
        except BlockingIOError:
            pass
except OSError as error:
    print(errno.errorcode[error.errno], flush=True)
sys.stdin.read()
`;

describe.skipIf(!canRun)('descriptors under way', () => {
  test('too many of another program’s: a container waits, and starts', { timeout: 600_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runsc-under-way-'));
    chownSync(directory, USER, USER);
    const other = spawn('setpriv', [...AS_USER, '/usr/bin/python3', '-c', flood], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(other, 'exit');
    const [said] = (await Promise.race([once(other.stdout, 'data'), ended])) as unknown[];
    expect(String(said).trim()).toBe('ETOOMANYREFS');
    const container = execute('setpriv', [...AS_USER, runsc, 'do', '--', 'echo', 'here'], {
      cwd: '/',
      env: { PATH: process.env['PATH'], HOME: directory, XDG_RUNTIME_DIR: directory },
    });
    // Longer than a start takes; where it does not, the container has not come to its wait yet.
    expect(await Promise.race([container, sleep(1000, 'waits')])).toBe('waits');
    other.stdin.end();
    expect(await container).toMatchObject({ status: 0, stdout: 'here\n', stderr: '' });
    await ended;
    rmSync(directory, { recursive: true });
  });
});
