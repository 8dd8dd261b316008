/** unix(7), ETOOMANYREFS: what other programs of the gofer's user have under way must not end a container. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const runsc = resolve(import.meta.dirname, '../../runsc/bin/runsc');

/** Sends more descriptors than any process may open to where nobody receives them, says so, and ends after a second. */
const flood = `
import array, os, resource, socket, time
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
some = array.array('i', [os.open('/dev/null', os.O_RDONLY)] * 253)
sent, kept = 0, []
while sent < limit + 10000:
    kept.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
    kept[-1][0].setblocking(False)
    try:
        while sent < limit + 10000:
            kept[-1][0].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, some)])
            sent += 253
    except BlockingIOError:
        pass
print('sent', flush=True)
time.sleep(1)
`;

describe.runIf(process.getuid?.() === 0)('descriptors under way', () => {
  test('too many of another program’s: a container waits, and starts', { timeout: 60_000 }, async () => {
    const other = spawn('python3', ['-c', flood], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(other, 'exit');
    await once(other.stdout, 'data');
    const { status, stdout, stderr } = spawnSync(runsc, ['do', '--', 'echo', 'here'], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'here\n', stderr: '' });
    await ended;
  });
});
