// Podman, by root: the commands that people type, through conmon.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { describeContainer } from './engine-container.ts';
import { describeLife } from './engine-life.ts';
import { describePods } from './engine-pods.ts';
import { describeRun } from './engine-run.ts';
import { imageName } from './images.ts';
import { oracle, until } from './machine.ts';
import { missing } from './packages.ts';
import { podman as rootPodman, PODMAN_PACKAGES, startPodman } from './podman.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const image = imageName('busybox');

/** A service manager's end of sd_notify(3). */
const NOTIFIED = `import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('/run/service-manager')
while True:
  data = s.recv(4096)
  with open('/run/heard', 'ab') as f: f.write(data + b'\\n')
`;

describe.skipIf(missing(...PODMAN_PACKAGES))('podman', () => {
  const podman = rootPodman();

  beforeAll(() => startPodman(podman), MAKING_MS);
  afterAll(() => podman.close());

  describeRun(podman);
  describeContainer(podman, { execFailures: [127, 126], cgroups: true, copies: true });
  describeLife(podman);
  describePods(podman);

  test('top', async () => {
    await podman.succeed(`run -d --name box ${image} sleep 1000`);
    expect(await podman.succeed('top box -o args')).toContain('sleep 1000');
    await podman.remove('box');
    await podman.nothingLeft();
  });

  test('top: its own columns', async () => {
    await podman.succeed(
      `run -d --name box ${image} sh -c 'sleep 1001 & sh -c "while :; do :; done" spinning & wait'`,
    );
    await until('all are there', async () => {
      const [heading = '', ...rows] = (await podman.succeed('top box')).trimEnd().split('\n');
      expect(heading.split(/\s+/)).toEqual([
        'USER',
        'PID',
        'PPID',
        '%CPU',
        'ELAPSED',
        'TTY',
        'TIME',
        'COMMAND',
      ]);
      // One that has a CPU to itself.
      const spins = rows.some((row) =>
        /\s[1-9]\S*m?s\s+sh -c while :; do :; done spinning$/.test(row.trimEnd()),
      );
      return spins && rows.some((row) => row.trimEnd().endsWith('sleep 1001'));
    });
    // A pid that can be looked up on the host.
    const hosts = (await podman.succeed('top box hpid,args')).split('\n');
    const [pid = ''] = hosts
      .find((row) => row.trimEnd().endsWith(' sleep 1001'))!
      .trim()
      .split(/\s+/);
    const command = (await podman.machine.shell(`cat /proc/${pid}/cmdline`)).replaceAll('\0', ' ');
    expect(command.trim()).toBe('sleep 1001');
    expect((await podman.succeed('top box')).match(/runsc-(sentry|gofer)/)).toBeNull();
    await podman.remove('box');
    await podman.nothingLeft();
  });

  test.skipIf(oracle)('cp does not write below a mount that only the container has', async () => {
    await podman.succeed(`run -d --name box --tmpfs /t ${image} sleep 1000`);
    expect((await podman.call('cp /etc/passwd box:/t/file')).stderr).toContain('read-only file system');
    await podman.remove('box');
    await podman.nothingLeft();
  });

  test('--sdnotify container: the program says itself when it is ready', async () => {
    const { machine } = podman;
    const client = join(import.meta.dirname, '../oci/unix-client.c');
    await machine.shell(`gcc -O1 -static -o /run/client ${client}`);
    machine.write('/run/listen.py', NOTIFIED);
    const daemon = await machine.daemon(['python3', '/run/listen.py'], 'test -S /run/service-manager');
    const script =
      'until test -e /started/go; do sleep 0.05; done; /client datagrams $NOTIFY_SOCKET; sleep 1000';
    const flags = `-d --name told --sdnotify container -v /run/client:/client -v /run/started:/started`;
    await machine.shell('mkdir /run/started');
    await machine.shell(
      `NOTIFY_SOCKET=/run/service-manager podman ${oracle ? '' : '--runtime-flag host-uds=open'} run ${flags} ${image} sh -c '${script}'`,
    );
    const heard = (): Promise<string> => machine.shell('cat /run/heard 2>&1 || :');
    expect(await heard()).not.toContain('READY');
    await machine.shell('touch /run/started/go');
    await until('the service manager hears of it', async () => (await heard()).includes('READY=1'));
    await podman.remove('told');
    await daemon.stop();
    await machine.shell('rm -r /run/client /run/listen.py /run/heard /run/service-manager /run/started');
    await podman.nothingLeft();
  });

  test('--systemd always: the mounts that systemd wants', async () => {
    const places = '/run /tmp /var/log/journal /sys/fs/cgroup';
    const script = `for place in ${places}; do grep -q " $place " /proc/self/mountinfo && echo $place; done; echo $container`;
    expect(await podman.succeed(`run --rm --systemd always ${image} sh -c '${script}'`)).toBe(
      [...places.split(' '), 'podman'].join('\n'),
    );
    await podman.nothingLeft();
  });

  test('init: created, then started', async () => {
    await podman.succeed(`create --name made ${image} sh -c 'echo ran; exit 4'`);
    await podman.succeed('init made');
    expect(await podman.inspect('.State.Status', 'made')).toBe('initialized');
    expect(await podman.call('start -a made')).toMatchObject({ status: 4, stdout: 'ran\n' });
    await podman.succeed('rm made');
    await podman.succeed(`create --name made ${image} true`);
    await podman.succeed('init made');
    await podman.remove('made');
    await podman.nothingLeft();
  });
});
